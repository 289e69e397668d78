"""Turn tables of the study into the sentences, tables and cards of its pages."""
