"""Draws pictures for the image API: landscapes, emblems, portraits and scenes, told apart by the prompt's words."""

from generia_worker.simulator.drawing.painter import draw_picture

__all__ = ["draw_picture"]
