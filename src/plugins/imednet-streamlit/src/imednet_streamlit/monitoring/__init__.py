"""The pages that show a study, one module a page; each has `page(signed_in)`.

The folder cannot be called `pages`: Streamlit would take each file in it for a page of its own.
"""
