"""What is written about a world: documents in their styles, and finetuning examples."""
