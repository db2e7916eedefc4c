"""The app's site: gestures on its pages (`gestures`), requests made inside them (`calls`), the sign-in
(`signin`).
"""
