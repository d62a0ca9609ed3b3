"""A dashboard and a reporting workbench for studies in the iMednet EDC, in the browser.

`imednet dashboard` starts it; `app.py` is what Streamlit runs. All data are read through the `imednet` package.
"""
