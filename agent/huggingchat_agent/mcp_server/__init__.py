"""HuggingChat as tools for programs that speak the Model Context Protocol, over the warm session."""
