"""The app that Streamlit runs: the sign-in in the side bar, and the page that the address names."""

from __future__ import annotations

import streamlit as st

from imednet_streamlit import auth, navigation, texts
from imednet_streamlit.settings import Settings

st.set_page_config(page_title=texts.TITLE, layout="wide")
page = navigation.page_named(st.sidebar.container(gap="small"))
auth.side_bar(Settings.of())
page.run()
