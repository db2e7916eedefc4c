"""`python -m huggingchat_agent` is `huggingchat`."""

from huggingchat_agent.cli import main

if __name__ == "__main__":
    main()
