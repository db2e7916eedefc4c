"""`python -m huggingchat_agent.warm`, which `warm.starting` runs."""

from huggingchat_agent.warm.process import main

main()
