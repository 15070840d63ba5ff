"""One file a stage: the spec and what earlier stages found out become AWS requests.

Builders of requests are pure. What has to look (is the dataset whole?) goes through `frugal.aws.clients`.
"""
