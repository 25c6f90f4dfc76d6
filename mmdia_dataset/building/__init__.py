"""From a plan to a built directory."""
