"""Every command of `mmdia` as a function of the same name and arguments, each in a file of its name.

They return reports; `mmdia_dataset.cli` prints them. What cuts, draws or loads is imported where it is used: checking
annotations does without.
"""
