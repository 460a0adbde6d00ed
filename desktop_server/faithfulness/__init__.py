"""Faithfulness of explanations: does hiding what a map points to change the output, and more so than other maps do?"""
