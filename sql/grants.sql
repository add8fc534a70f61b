-- Rights of the database users. Run once by the database's administrator, after the first migration.
-- One service writes each table: miniprogram-api (`xunshi_api`) or face-search (`xunshi_faces`). `xunshi_migrate` alone
-- may change the schema; give it to `python -m miniprogram_api migrate` and to nobody else. `xunshi_read` is for reports
-- and back-ups.
-- Replace the passwords; the host is the network of the services.

CREATE USER IF NOT EXISTS 'xunshi_migrate'@'%' IDENTIFIED BY 'replace-me-1';
CREATE USER IF NOT EXISTS 'xunshi_api'@'%' IDENTIFIED BY 'replace-me-2';
CREATE USER IF NOT EXISTS 'xunshi_faces'@'%' IDENTIFIED BY 'replace-me-4';
CREATE USER IF NOT EXISTS 'xunshi_read'@'%' IDENTIFIED BY 'replace-me-3';

GRANT ALL ON xunshi.* TO 'xunshi_migrate'@'%';

GRANT SELECT, INSERT, UPDATE ON xunshi.users TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.user_credentials TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.auth_sessions TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.login_throttles TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.cameras TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.camera_grants TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.media TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.passes TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.pass_counts TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, DELETE ON xunshi.event_log TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, DELETE ON xunshi.idempotency_keys TO 'xunshi_api'@'%';
GRANT SELECT, INSERT ON xunshi.audit_log TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.camera_hours TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.camera_outages TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.footage TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.frame_batches TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.archived_frames TO 'xunshi_api'@'%';

GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_lists TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.persons TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.person_lists TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_samples TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_models TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_vectors TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.sightings TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.watch_alerts TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_negatives TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_imports TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_import_lines TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.face_erasures TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.floor_plans TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.gallery_changes TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, DELETE ON xunshi.face_answers TO 'xunshi_faces'@'%';
GRANT SELECT, INSERT, DELETE ON xunshi.face_queries TO 'xunshi_faces'@'%';
-- Where a camera stands, and no address.
GRANT SELECT (camera_id, name, lon, lat, deleted_at) ON xunshi.cameras TO 'xunshi_faces'@'%';

-- Everything but passwords, tokens, sealed addresses and faces.
GRANT SELECT ON xunshi.users TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.camera_grants TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.media TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.passes TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.pass_counts TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.event_log TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.audit_log TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.camera_hours TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.camera_outages TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.footage TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.frame_batches TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.archived_frames TO 'xunshi_read'@'%';
