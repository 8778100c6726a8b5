"""The app's door: settings of the whole window, then the page that the address names."""

import streamlit as st

from sparselab.ui.nav import enter, window
from sparselab.ui.session import desks

window()
# Streamlit leaves six lines of nothing above every page; on a projector they are missed at the bottom.
st.html(
    "<style>.stMainBlockContainer { padding-top: 2.2rem; } .stSidebar [data-testid=stSidebarHeader] { height: 2rem; }</style>"
)
desks()  # a worker starts while the first page is drawn
enter()
