"""What every stage shares: the declared shapes, the store on disk, strict configuration, named random streams."""
