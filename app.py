"""The app's door: settings of the whole window, then the page that the address names."""

import streamlit as st

from sparselab.ui.icon import icon
from sparselab.ui.nav import enter
from sparselab.ui.session import desks

st.set_page_config(page_title="sparselab", page_icon=icon(), layout="wide", initial_sidebar_state=340)
# Streamlit leaves six lines of nothing above every page; on a projector they are missed at the bottom.
st.html(
    "<style>.stMainBlockContainer { padding-top: 2.2rem; } .stSidebar [data-testid=stSidebarHeader] { height: 2rem; }</style>"
)
desks()  # a worker starts while the first page is drawn
enter()
