"""The one trainer: recipes (pretrain, posttrain, inject) are mixtures of row sources run through trl's SFTTrainer."""
