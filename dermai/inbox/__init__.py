"""Referrals that arrive one by one: on disk before they are acknowledged, answered by a warm model, then filed."""
