"""Studio: domains, their user profiles and spaces, and the apps that bill. No app runs.

Deletion is refused in AWS's order (developer guide, "Delete an Amazon SageMaker AI domain" and "Remove user
profiles"): apps, then spaces, then user profiles, then the domain. An app is listed as Deleted for a day.
"""

from __future__ import annotations

from local_aws.sagemaker.studio import apps, domains, spaces, user_profiles

LIFECYCLES = (domains.LIFECYCLE, user_profiles.LIFECYCLE, spaces.LIFECYCLE, apps.LIFECYCLE)

__all__ = ["LIFECYCLES"]
