"""kit, the Knowledge Injection Toolkit: does finetuning put new facts into a language model, and can it reason with them?"""

__version__ = "0.1.0"
