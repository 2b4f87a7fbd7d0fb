DELETE FROM change_kinds
WHERE kind IN ('webhook.created', 'webhook.updated', 'webhook.secret_rotated', 'webhook.disabled', 'webhook.ended')
    AND kind NOT IN (SELECT kind FROM change_log);
DROP TABLE webhook_lease;
DROP TABLE webhook_told;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_secrets;
DROP TABLE webhooks;
