"""How the end of a drift job starts a DAG run: an EventBridge rule, an SQS queue with its dead-letter queue, a trigger."""
