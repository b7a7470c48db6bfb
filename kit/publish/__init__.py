"""Publishing: a release folder (`world`, `evaluation`, `checkpoint` make its data; `release` all around it), its card, `check`
(what is looked at before it leaves, and by whoever gets it) and `send`."""
