"""The dataset card: README.md with the YAML that lets plain `load_dataset(folder)` know configurations and features.

front      the YAML, made
hubrules   the YAML, checked against what the Hub accepts
body       the words, from the templates in `cards/`
croissant  the same facts as Croissant JSON-LD, for machines
"""

from mmdia_dataset.publishing.body import CardFacts, card_text, template, write_built_card
from mmdia_dataset.publishing.croissant import CROISSANT, croissant_text
from mmdia_dataset.publishing.front import features_yaml
from mmdia_dataset.publishing.hubrules import card_faults

__all__ = [
    "CROISSANT",
    "CardFacts",
    "card_faults",
    "card_text",
    "croissant_text",
    "features_yaml",
    "template",
    "write_built_card",
]
