"""A page with nothing but a toy: /?mode=rows shows that mode, and what has come back of it; covered=yes keeps its counts back."""

import streamlit as st

from sparselab.analysis.toy import Toy
from sparselab.app.toy_view import toy_view
from tests.app.toy.toys import toy_of

shown: Toy = toy_of(st.query_params["mode"])
st.subheader("A toy")
st.button("Run the page again")
covered = "covered" in st.query_params and not st.checkbox("Reveal")
state = toy_view(shown, key="toy", covered=covered)
st.text(
    f"rows {state.row_order} columns {state.column_order} pair {state.pair} toggled {state.toggled} step {state.step}"
)
