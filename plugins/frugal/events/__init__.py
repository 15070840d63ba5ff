"""How the end of a drift job starts a DAG run: EventBridge rule, SQS queue, dead-letter queue, trigger."""
