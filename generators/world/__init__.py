"""What a world is made of: the table of relations, names, entities and facts in columns, how they are drawn or read."""
