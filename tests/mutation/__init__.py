"""Mutation tests: does a fast test fail when one line of the library is wrong?"""
