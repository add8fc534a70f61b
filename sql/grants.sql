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
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.organisations TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.roles TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.notices TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.user_identities TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.one_time_links TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.api_tokens TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.camera_groups TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.camera_group_members TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.requests TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.clock_runs TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.duty_photos TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.patrol_routes TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.route_checkpoints TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.patrols TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, DELETE ON xunshi.track_points TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.patrol_photos TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, DELETE ON xunshi.checkpoint_hits TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.chat_rooms TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.chat_members TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.chat_messages TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.alert_rules TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.alerts TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.alert_comments TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE ON xunshi.delivery_channels TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.deliveries TO 'xunshi_api'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON xunshi.pass_rollups TO 'xunshi_api'@'%';

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
GRANT SELECT (user_id, username, display_name, org_id, role, status, created_at, last_login_at) ON xunshi.users
  TO 'xunshi_read'@'%';
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
GRANT SELECT ON xunshi.organisations TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.roles TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.notices TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.camera_groups TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.camera_group_members TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.requests TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.clock_runs TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.patrol_routes TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.route_checkpoints TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.patrols TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.track_points TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.patrol_photos TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.checkpoint_hits TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.alert_rules TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.alerts TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.alert_comments TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.deliveries TO 'xunshi_read'@'%';
GRANT SELECT ON xunshi.pass_rollups TO 'xunshi_read'@'%';
