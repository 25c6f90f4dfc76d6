"""Pictures of results. The only package that imports matplotlib, and only when something is drawn.

edition_plot   how the time of a recording differs from its movie's, PNG
charts         the distributions of a release, for paper and for a page
card_pictures  the few charts that a dataset card shows
stats_page     all charts and tables as one HTML page
"""

from mmdia_dataset.plots.card_pictures import write_pictures
from mmdia_dataset.plots.edition_plot import plot_edition
from mmdia_dataset.plots.stats_page import write_plots

__all__ = ["plot_edition", "write_pictures", "write_plots"]
