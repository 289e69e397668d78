"""Mutation tests of the leak audit: one known defect at a time, and clean markets."""
