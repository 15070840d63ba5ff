"""The Processing job that tells whether what is served still looks like what was learned:
``python3 -m container.drift``, in AWS's XGBoost image.

Inputs:

============== ===================================================================================
``code``       with spec.json: the columns' types, and ``monitor``, the limits (`Limits`)
``baseline``   what `container.baseline` left
``captured``   capture records as SageMaker writes them, ``*.jsonl`` anywhere below
``evaluation`` optional, what `container.evaluate` left: without it neither predictions nor the
               model's quality have anything to be compared with
``truth``      optional, what really happened, ``*.jsonl`` or ``*.csv`` (`container.drift.truth`)
============== ===================================================================================

Output ``drift``: drift.json (verdict ``ok``, ``drift`` or ``unknown``, every test, effect and limit,
and why), report.html for a person, and Model Monitor's statistics.json, constraints.json and
constraint_violations.json, of the window (developer guide, "Schema for Violations"; that Model
Monitor's own tools read ours is not verified).

The exit code is 0 whatever the verdict. The exit message begins ``CompletedWithViolations:`` or
``Completed:``, as Model Monitor's does.

A feature has drifted when the difference is both significant, by Kolmogorov-Smirnov or chi-square after
Holm's correction over everything that was tested, and large, by one of the measures that `Limits`
sets a bound to. Records stream by; when the values of a window outgrow `Limits.memory_mib`, a KLL sketch
takes their place and the report states its error.
"""
