"""Pictures of results. The only package that imports matplotlib, and only when something is drawn.

editions  how a recording runs against its movie, PNG
charts    what a release's distributions look like, as drawings for paper and for a page
pictures  the few of them that a dataset card shows
page      all charts and tables as one HTML page
"""

from mmdia_dataset.plots.editions import plot_edition
from mmdia_dataset.plots.page import write_plots
from mmdia_dataset.plots.pictures import write_pictures

__all__ = ["plot_edition", "write_pictures", "write_plots"]
