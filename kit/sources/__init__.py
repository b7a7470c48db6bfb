"""Rows of public sets and of files, turned into what kit asks and trains on: `hub` (where they are), `reading` (rows to items),
a file a form of row, and `conversations` (rows to finetuning examples)."""
