"""What the DAGs are made of: one file for each family in dags/, and the tasks that they share."""
