"""Pictures of results. The only package that imports matplotlib, and only when something is drawn.

editions  how a recording runs against its movie, PNG
charts    what a release's distributions look like, as drawings for paper and for a page
pictures  the few of them that a dataset card shows
page      all charts and tables as one HTML page
"""

from mmdia_dataset.plots.card_pictures import write_pictures
from mmdia_dataset.plots.edition_plot import plot_edition
from mmdia_dataset.plots.stats_page import write_plots

__all__ = ["plot_edition", "write_pictures", "write_plots"]
