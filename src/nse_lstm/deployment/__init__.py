"""From chosen models to forecasts of a session that has not been yet.

``registry`` remembers which model of which stock stands where, and on what evidence;
``serving`` forecasts with those models and says what it could not forecast.
"""
