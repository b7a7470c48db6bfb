"""Card templates and the cards of published data sets, shipped with the package."""
