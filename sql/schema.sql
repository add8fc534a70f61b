-- The schema as MySQL and MariaDB get it. Generated from shared_kernel/tables by `make contracts`; do not edit.
-- One service writes each table: miniprogram-api. Ids are ULIDs, times are UTC in milliseconds.

CREATE TABLE archived_frames (
  batch_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which batch; no foreign key',
  seq BIGINT NOT NULL COMMENT 'place in the order',
  captured_at DATETIME(3) NOT NULL COMMENT 'time of the picture',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'stored or failed',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'SHA-256 of the bytes; null when failed',
  bytes BIGINT NOT NULL COMMENT 'size',
  attempts INTEGER NOT NULL COMMENT 'uploads that were tried',
  took_ms DOUBLE NOT NULL COMMENT 'from taken to settled, milliseconds',
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'code of why it was given up, see LostFrame',
  detail VARCHAR(200) COMMENT 'the reason in words, where there are more',
  CONSTRAINT pk_archived_frames PRIMARY KEY (batch_id, seq),
  CONSTRAINT ck_archived_frames_state CHECK (state IN ('stored', 'failed'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One frame of a batch, in order of seq. Equal pictures share one object: its key is their content.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_archived_frames_object_key ON archived_frames (object_key);

CREATE TABLE audit_log (
  audit_id BIGINT NOT NULL COMMENT 'rises' AUTO_INCREMENT,
  actor_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'who; null for an unknown user or the command line',
  action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'such as camera.create',
  target_type VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'kind of object',
  target_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'id of the object',
  outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'done or refused',
  address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'network address of the caller',
  detail VARCHAR(500) COMMENT 'what changed, without secrets',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  CONSTRAINT pk_audit_log PRIMARY KEY (audit_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Who did what: logins, and every change a person makes. Only added to.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_audit_log_actor_id ON audit_log (actor_id, created_at);
CREATE INDEX ix_audit_log_target_id ON audit_log (target_id, created_at);

CREATE TABLE camera_hours (
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which camera; no foreign key',
  hour_at DATETIME(3) NOT NULL COMMENT 'begin of the hour',
  online_s DOUBLE NOT NULL COMMENT 'seconds with a picture as it should be',
  degraded_s DOUBLE NOT NULL COMMENT 'seconds with a picture, but less than it should be',
  stale_s DOUBLE NOT NULL COMMENT 'seconds connected without a new picture',
  offline_s DOUBLE NOT NULL COMMENT 'seconds without a connection',
  paused_s DOUBLE NOT NULL COMMENT 'seconds in which nobody wanted it',
  analysed_frames BIGINT NOT NULL COMMENT 'frames that were analysed',
  skipped_frames BIGINT NOT NULL COMMENT 'sampled frames that were not',
  CONSTRAINT pk_camera_hours PRIMARY KEY (camera_id, hour_at),
  CONSTRAINT ck_camera_hours_times CHECK (online_s >= 0 AND degraded_s >= 0 AND stale_s >= 0 AND offline_s >= 0)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='How one camera was in one hour: seconds in each state, frames analysed and skipped.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_camera_hours_hour_at ON camera_hours (hour_at);

CREATE TABLE camera_outages (
  outage_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from camera and beginning',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which camera; no foreign key',
  began_at DATETIME(3) NOT NULL COMMENT 'when the picture went',
  noticed_at DATETIME(3) NOT NULL COMMENT 'when it was told: a blink is no outage',
  ended_at DATETIME(3) COMMENT 'when the picture had come back for good; null: not yet',
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'code, see CameraReason',
  detail VARCHAR(500) COMMENT 'the reason in words, without credentials',
  CONSTRAINT pk_camera_outages PRIMARY KEY (outage_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A time in which a camera gave no picture, for longer than a moment.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_camera_outages_began_at ON camera_outages (began_at);
CREATE INDEX ix_camera_outages_camera_id ON camera_outages (camera_id, began_at);

CREATE TABLE cameras (
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  url_cipher VARCHAR(4096) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'address with credentials, Fernet',
  url_sha256 BINARY(32) NOT NULL COMMENT 'keyed SHA-256 (HMAC) of the address, to compare without opening',
  address VARCHAR(512) NOT NULL COMMENT 'host and path for people, without any secret',
  lon NUMERIC(9, 6) COMMENT 'longitude, degrees, WGS-84',
  lat NUMERIC(8, 6) COMMENT 'latitude, degrees, WGS-84',
  model VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which analysis runs on its frames',
  detect_url_cipher VARCHAR(4096) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'second stream for the analysis, Fernet; null: one stream for all',
  detect_address VARCHAR(512) COMMENT 'its host and path, without any secret',
  decode VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'all, adaptive or keyframes; null: as the service is set',
  analysed_fps DOUBLE COMMENT 'analysed frames per second; null: as the service is set',
  zones TEXT COMMENT 'JSON: polygons where people count, or do not',
  privacy_masks TEXT COMMENT 'JSON: polygons that nobody ever sees',
  plan TEXT COMMENT 'JSON: when it works, by weekday; null: always',
  footage VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'off, clips or continuous; null: clips',
  enabled BOOL NOT NULL COMMENT 'false: nobody connects to it',
  is_demo BOOL NOT NULL COMMENT 'true for the clip that plays until the first own camera',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'connecting, online, degraded, stale, offline or paused, as last reported',
  state_reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'code, see CameraReason',
  state_detail VARCHAR(500) COMMENT 'the reason in words, without credentials',
  state_at DATETIME(3) NOT NULL COMMENT 'since when it is in this state',
  reported_at DATETIME(3) COMMENT 'time in the last report; older reports are ignored',
  heard_at DATETIME(3) NOT NULL COMMENT 'when we last heard of it; after silence it counts as down',
  width INTEGER COMMENT 'picture width, pixels',
  height INTEGER COMMENT 'picture height, pixels',
  fps DOUBLE COMMENT 'frames per second',
  codec VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'video codec, such as h264',
  last_frame_at DATETIME(3) COMMENT 'when the last frame came',
  skipped_frames BIGINT NOT NULL COMMENT 'sampled frames never analysed, since its start',
  decoded_per_s DOUBLE COMMENT 'pictures decoded per second, lately',
  analysed_per_s DOUBLE COMMENT 'frames sent to be analysed per second, lately',
  cpu_share DOUBLE COMMENT 'processor time of decoding; 1 is one core',
  analysed_frames BIGINT COMMENT 'frames whose analysis came, since its start',
  fence BIGINT COMMENT 'token of the replica that was last heard; older ones are ignored',
  resumes_at DATETIME(3) COMMENT 'when its plan wants it again, while it is paused',
  accounted_at DATETIME(3) COMMENT 'its hours are written up to here; null: never',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was added',
  updated_at DATETIME(3) NOT NULL COMMENT 'when a person last changed it',
  deleted_at DATETIME(3) COMMENT 'removed; the row stays because its passes do',
  CONSTRAINT pk_cameras PRIMARY KEY (camera_id),
  CONSTRAINT ck_cameras_lon CHECK (lon IS NULL OR (lon >= -180 AND lon <= 180)),
  CONSTRAINT ck_cameras_lat CHECK (lat IS NULL OR (lat >= -90 AND lat <= 90)),
  CONSTRAINT ck_cameras_state CHECK (state IN ('connecting', 'online', 'degraded', 'stale', 'offline', 'paused')),
  CONSTRAINT ck_cameras_decode CHECK (decode IN ('all', 'adaptive', 'keyframes')),
  CONSTRAINT ck_cameras_footage CHECK (footage IN ('off', 'clips', 'continuous')),
  CONSTRAINT ck_cameras_analysed_fps CHECK (analysed_fps IS NULL OR (analysed_fps > 0 AND analysed_fps <= 30))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A place with a camera, what its owner last reported, and where the picture comes from (encrypted).' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_cameras_name ON cameras (name);
CREATE INDEX ix_cameras_url_sha256 ON cameras (url_sha256);

CREATE TABLE event_log (
  event_id BIGINT NOT NULL COMMENT 'rises; may have gaps' AUTO_INCREMENT,
  message_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from the cause: a repeated cause makes no second event',
  event VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'name of the server-sent event',
  scope_type VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'kind of object whose rights decide who hears it',
  scope_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'id of that object',
  payload TEXT NOT NULL COMMENT 'JSON as it was then, without tickets',
  occurred_at DATETIME(3) NOT NULL COMMENT 'when the cause happened',
  created_at DATETIME(3) NOT NULL COMMENT 'when the row was made; removed after two days',
  CONSTRAINT pk_event_log PRIMARY KEY (event_id),
  CONSTRAINT uq_event_log_message_id UNIQUE (message_id),
  CONSTRAINT ck_event_log_event CHECK (event IN ('pass', 'camera', 'camera_down', 'camera_up')),
  CONSTRAINT ck_event_log_scope_type CHECK (scope_type IN ('camera'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What live clients are told, in order. The id is that of the server-sent event: clients resume there.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_event_log_created_at ON event_log (created_at);

CREATE TABLE footage (
  footage_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived by its sender: a repeat is one row',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whoever may see this camera may see the footage',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'clip (of a pass) or recording (a piece of a continuous one)',
  pass_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the pass that a clip shows',
  started_at DATETIME(3) NOT NULL COMMENT 'time of its first picture',
  ended_at DATETIME(3) NOT NULL COMMENT 'time of its last picture',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where the MP4 lies in object storage',
  boxes_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'where the JSON with its boxes lies',
  mime VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'content type with codecs, for the player',
  width INTEGER NOT NULL COMMENT 'pixels',
  height INTEGER NOT NULL COMMENT 'pixels',
  bytes BIGINT NOT NULL COMMENT 'size in storage, both files',
  created_at DATETIME(3) NOT NULL COMMENT 'when the row was made',
  CONSTRAINT pk_footage PRIMARY KEY (footage_id),
  CONSTRAINT uq_footage_object_key UNIQUE (object_key),
  CONSTRAINT ck_footage_kind CHECK (kind IN ('clip', 'recording')),
  CONSTRAINT ck_footage_sizes CHECK (bytes > 0 AND ended_at > started_at)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One file of video: the clip of a pass, or a piece of a continuous recording. No foreign keys.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_footage_camera_id ON footage (camera_id, started_at);
CREATE INDEX ix_footage_kind ON footage (kind, started_at);
CREATE INDEX ix_footage_pass_id ON footage (pass_id);

CREATE TABLE frame_batches (
  batch_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'given by the sender',
  source VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'camera, job or client',
  source_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which one',
  expected INTEGER NOT NULL COMMENT 'frames it will have; as many as came when nobody said',
  `stored` INTEGER NOT NULL COMMENT 'frames that are stored',
  failed INTEGER NOT NULL COMMENT 'frames that were given up',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'running, done, partial or failed',
  every_s DOUBLE COMMENT 'seconds between frames of a camera; null: as sent',
  side INTEGER COMMENT 'long side of its pictures at most, pixels; null: as they came',
  started_at DATETIME(3) NOT NULL COMMENT 'when its first frame was taken, or is due',
  stop_at DATETIME(3) COMMENT 'when somebody stopped it; what is under way still comes',
  heard_at DATETIME(3) NOT NULL COMMENT 'when anything about it last came',
  ended_at DATETIME(3) COMMENT 'when its last frame was settled',
  CONSTRAINT pk_frame_batches PRIMARY KEY (batch_id),
  CONSTRAINT ck_frame_batches_source CHECK (source IN ('camera', 'job', 'client')),
  CONSTRAINT ck_frame_batches_state CHECK (state IN ('running', 'done', 'partial', 'failed')),
  CONSTRAINT ck_frame_batches_counts CHECK (expected >= 0 AND stored >= 0 AND failed >= 0)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='An ordered group of archived frames. A part that failed is a state, not an error.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_frame_batches_source_id ON frame_batches (source_id, started_at);
CREATE INDEX ix_frame_batches_started_at ON frame_batches (started_at);

CREATE TABLE idempotency_keys (
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose key',
  route VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'for which request',
  idempotency_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'as the client sent it',
  request_hash BINARY(32) NOT NULL COMMENT 'keyed SHA-256 of the request: another one may not take the key',
  status INTEGER NOT NULL COMMENT 'HTTP status of the answer',
  answer TEXT NOT NULL COMMENT 'JSON of the answer',
  created_at DATETIME(3) NOT NULL COMMENT 'removed after a day',
  CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, route, idempotency_key)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='The answer to a creation, given again when the same key comes again. Written with what it created.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE login_throttles (
  subject VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'user:<SHA-256 of the name> or address:<network address>',
  failed_count INTEGER NOT NULL COMMENT 'failures since the window began',
  window_started_at DATETIME(3) NOT NULL COMMENT 'first failure that counts',
  blocked_until DATETIME(3) COMMENT 'attempts before this are refused unseen',
  updated_at DATETIME(3) NOT NULL COMMENT 'last attempt; old rows are removed',
  CONSTRAINT pk_login_throttles PRIMARY KEY (subject)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Failed logins of one name or one address. In the database, so that a restart forgives nobody.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_login_throttles_updated_at ON login_throttles (updated_at);

CREATE TABLE media (
  media_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from the object key: a repeat is one row',
  pass_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the pass it belongs to',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whoever may see this camera may see the picture',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'face (padded crop) or scene (whole frame)',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where it lies in object storage',
  mime VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'content type',
  width INTEGER NOT NULL COMMENT 'pixels',
  height INTEGER NOT NULL COMMENT 'pixels',
  bytes BIGINT NOT NULL COMMENT 'size in storage',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was recorded',
  CONSTRAINT pk_media PRIMARY KEY (media_id),
  CONSTRAINT uq_media_object_key UNIQUE (object_key),
  CONSTRAINT ck_media_sizes CHECK (width > 0 AND height > 0 AND bytes > 0),
  CONSTRAINT ck_media_kind CHECK (kind IN ('face', 'scene'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One stored picture: the evidence of a pass. No foreign keys: it grows with every pass.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_media_pass_id ON media (pass_id);

CREATE TABLE pass_counts (
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which camera',
  hour_at DATETIME(3) NOT NULL COMMENT 'begin of the hour in which the pass opened',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'verdict of the pass',
  passes INTEGER NOT NULL COMMENT 'how many',
  CONSTRAINT pk_pass_counts PRIMARY KEY (camera_id, hour_at, state),
  CONSTRAINT ck_pass_counts_state CHECK (state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')),
  CONSTRAINT ck_pass_counts_passes CHECK (passes >= 0)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Passes per camera, hour and state; changed in the transaction of the pass. Kept beyond the evidence.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_pass_counts_hour_at ON pass_counts (hour_at);

CREATE TABLE passes (
  pass_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'given by the camera''s owner',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which camera saw it; no foreign key',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'verdict over all frames; only with_mask is protected',
  confidence DOUBLE NOT NULL COMMENT 'share of the votes for the state, 0 to 1',
  frames INTEGER NOT NULL COMMENT 'frames in which the person was seen',
  x0 DOUBLE NOT NULL COMMENT 'left edge of the face in the scene, fraction of its width',
  y0 DOUBLE NOT NULL COMMENT 'upper edge, fraction of the height',
  x1 DOUBLE NOT NULL COMMENT 'right edge, fraction of the width',
  y1 DOUBLE NOT NULL COMMENT 'lower edge, fraction of the height',
  opened_at DATETIME(3) NOT NULL COMMENT 'when the verdict fell',
  last_seen_at DATETIME(3) NOT NULL COMMENT 'last frame with the person',
  closed_at DATETIME(3) COMMENT 'when the person was gone; null while before the camera',
  face_media_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'picture of the face',
  scene_media_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'picture of the scene',
  recorded_at DATETIME(3) NOT NULL COMMENT 'when the row was made',
  updated_at DATETIME(3) NOT NULL COMMENT 'when the row last changed',
  CONSTRAINT pk_passes PRIMARY KEY (pass_id),
  CONSTRAINT ck_passes_state CHECK (state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')),
  CONSTRAINT ck_passes_confidence CHECK (confidence >= 0 AND confidence <= 1),
  CONSTRAINT ck_passes_box CHECK (x0 >= 0 AND x0 <= x1 AND x1 <= 1 AND y0 >= 0 AND y0 <= y1 AND y1 <= 1),
  CONSTRAINT ck_passes_frames CHECK (frames >= 1)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One person''s visit before one camera. Exactly one row, however often its messages arrive.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_passes_camera_id ON passes (camera_id, opened_at, pass_id);
CREATE INDEX ix_passes_opened_at ON passes (opened_at, pass_id);
CREATE INDEX ix_passes_state ON passes (state, opened_at, pass_id);

CREATE TABLE users (
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  username VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'what is typed at login; stored case-folded (NFKC), so the same name exists once',
  display_name VARCHAR(64) NOT NULL COMMENT 'what others see',
  `role` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'administrator, officer (sees all cameras) or guard (granted ones)',
  status VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'active or disabled; a disabled user is out within seconds',
  created_at DATETIME(3) NOT NULL COMMENT 'when the account was made',
  last_login_at DATETIME(3) COMMENT 'last successful login',
  CONSTRAINT pk_users PRIMARY KEY (user_id),
  CONSTRAINT uq_users_username UNIQUE (username),
  CONSTRAINT ck_users_role CHECK (role IN ('administrator', 'officer', 'guard')),
  CONSTRAINT ck_users_status CHECK (status IN ('active', 'disabled'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Somebody who logs in. The role decides the permissions; grants decide single cameras.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE auth_sessions (
  auth_session_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  family_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'one login: all tokens that came from it',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who logged in',
  refresh_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of the token; the token itself is nowhere',
  rotation INTEGER NOT NULL COMMENT '0 at login, one more with each replacement',
  address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'network address that asked for it',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was given out',
  expires_at DATETIME(3) NOT NULL COMMENT 'after this it is refused',
  replaced_at DATETIME(3) COMMENT 'when it was used; using it again is an alarm',
  revoked_at DATETIME(3) COMMENT 'logout, password change, or reuse of an old token',
  CONSTRAINT pk_auth_sessions PRIMARY KEY (auth_session_id),
  CONSTRAINT uq_auth_sessions_refresh_hash UNIQUE (refresh_hash),
  CONSTRAINT fk_auth_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One refresh token. Each use replaces it by a new one of its family; a second use revokes the family.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_auth_sessions_expires_at ON auth_sessions (expires_at);
CREATE INDEX ix_auth_sessions_family_id ON auth_sessions (family_id);
CREATE INDEX ix_auth_sessions_user_id ON auth_sessions (user_id);

CREATE TABLE camera_grants (
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which camera',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who may see it',
  granted_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who allowed it',
  granted_at DATETIME(3) NOT NULL COMMENT 'since when',
  CONSTRAINT pk_camera_grants PRIMARY KEY (camera_id, user_id),
  CONSTRAINT fk_camera_grants_camera_id FOREIGN KEY(camera_id) REFERENCES cameras (camera_id) ON DELETE CASCADE,
  CONSTRAINT fk_camera_grants_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A user may see a camera, beyond what the role gives. Removing the row ends running streams.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_camera_grants_user_id ON camera_grants (user_id);

CREATE TABLE user_credentials (
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose password',
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'argon2id, encoded with its parameters',
  must_change BOOL NOT NULL COMMENT 'true for one-time passwords: nothing else works before',
  changed_at DATETIME(3) NOT NULL COMMENT 'when this password was set',
  CONSTRAINT pk_user_credentials PRIMARY KEY (user_id),
  CONSTRAINT fk_user_credentials_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Password of a user, apart from the user so that no profile query can return it.' COLLATE utf8mb4_unicode_ci;
