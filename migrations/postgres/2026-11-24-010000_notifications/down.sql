DROP TABLE watches;
DROP TABLE notifications;
