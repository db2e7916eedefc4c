"""The browser's tabs, who one is, what of the traffic is seen, kept and told."""
