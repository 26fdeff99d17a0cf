"""One parameter card a lesson, `nbNN.CARD`; see docs/notebook_style.md."""
