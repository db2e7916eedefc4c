"""The meaning of the app's traffic: decodes streams and answers, builds requests. No I/O."""
