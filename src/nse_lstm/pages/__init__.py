"""What pages say: tables of the study turned into sentences, tables and cards."""
