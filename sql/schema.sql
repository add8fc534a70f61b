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
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'organisation of the object or actor then; null: unknown',
  previous_hash BINARY(32) COMMENT 'chain_hash of the row before it in the chain',
  chain_hash BINARY(32) COMMENT 'SHA-256 of this row and previous_hash; null: older than the chain, or not chained yet',
  CONSTRAINT pk_audit_log PRIMARY KEY (audit_id),
  CONSTRAINT uq_audit_log_chain_hash UNIQUE (chain_hash)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Who did what: logins, and every change a person makes. Only added to.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_audit_log_actor_id ON audit_log (actor_id, created_at);
CREATE INDEX ix_audit_log_created_at ON audit_log (created_at);
CREATE INDEX ix_audit_log_org_id ON audit_log (org_id, audit_id);
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

CREATE TABLE clock_runs (
  run_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  chore VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which chore',
  planned_at DATETIME(3) NOT NULL COMMENT 'when it was due',
  started_at DATETIME(3) NOT NULL COMMENT 'when it began',
  ended_at DATETIME(3) COMMENT 'when it ended; null: not yet, or its process died',
  outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'running, done, failed or missed (nobody was there)',
  detail VARCHAR(500) COMMENT 'what it did, or why it failed',
  CONSTRAINT pk_clock_runs PRIMARY KEY (run_id),
  CONSTRAINT uq_clock_runs_chore UNIQUE (chore, planned_at),
  CONSTRAINT ck_clock_runs_outcome CHECK (outcome IN ('running', 'done', 'failed', 'missed'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One chore of the clock, done at its time or caught up: once among all replicas, with its result.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_clock_runs_started_at ON clock_runs (started_at);

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
  CONSTRAINT ck_event_log_event CHECK (event IN ('pass', 'camera', 'camera_down', 'camera_up', 'sighting', 'watch', 'request', 'notice', 'patrol', 'patrol_photo', 'chat', 'alert', 'grant')),
  CONSTRAINT ck_event_log_scope_type CHECK (scope_type IN ('camera', 'photo', 'user', 'organisation', 'patrol', 'room'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What live clients are told, in order. The id is that of the server-sent event: clients resume there.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_event_log_created_at ON event_log (created_at);

CREATE TABLE face_answers (
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose key',
  route VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'for which request',
  idempotency_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'as the client sent it',
  request_hash BINARY(32) NOT NULL COMMENT 'keyed SHA-256 of the request: another one may not take the key',
  answer TEXT NOT NULL COMMENT 'JSON of the answer',
  created_at DATETIME(3) NOT NULL COMMENT 'removed after a day',
  CONSTRAINT pk_face_answers PRIMARY KEY (user_id, route, idempotency_key)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='The answer to a creation, given again when the same key comes again. Written with what it created.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_answers_created_at ON face_answers (created_at);

CREATE TABLE face_erasures (
  erasure_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID, printed on the receipt',
  subject_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'person that was erased, or derived from the photo',
  cause VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'request, expiry (of consent) or retention',
  reason VARCHAR(200) NOT NULL COMMENT 'in the words of who asked',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'running (goes on after a crash) or done',
  removed TEXT NOT NULL COMMENT 'JSON: how many rows, vectors, pictures; and their ids',
  requested_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user; null: the clock or the command line',
  requested_at DATETIME(3) NOT NULL COMMENT 'when it was asked',
  done_at DATETIME(3) COMMENT 'when nothing was left',
  CONSTRAINT pk_face_erasures PRIMARY KEY (erasure_id),
  CONSTRAINT uq_face_erasures_subject_id UNIQUE (subject_id),
  CONSTRAINT ck_face_erasures_cause CHECK (cause IN ('request', 'expiry', 'retention')),
  CONSTRAINT ck_face_erasures_state CHECK (state IN ('running', 'done'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What was removed for one person or photo. Names ids and counts only; kept also beside the database.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_erasures_requested_at ON face_erasures (requested_at);

CREATE TABLE face_imports (
  import_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  name VARCHAR(120) NOT NULL COMMENT 'file or folder, as it was called',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where the ZIP lies; removed when it is done',
  settings TEXT NOT NULL COMMENT 'JSON: list, basis, expiry for those whom it brings',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'waiting, running, done, failed or cancelled',
  total INTEGER NOT NULL COMMENT 'pictures in it',
  accepted INTEGER NOT NULL COMMENT 'enrolled',
  refused INTEGER NOT NULL COMMENT 'not enrolled, with a reason',
  detail VARCHAR(200) COMMENT 'why it failed',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user; null: command line',
  created_at DATETIME(3) NOT NULL COMMENT 'when it came',
  heard_at DATETIME(3) NOT NULL COMMENT 'last progress; a silent one is taken over',
  ended_at DATETIME(3) COMMENT 'when it was done, failed or cancelled',
  CONSTRAINT pk_face_imports PRIMARY KEY (import_id),
  CONSTRAINT ck_face_imports_state CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
  CONSTRAINT ck_face_imports_counts CHECK (total >= 0 AND accepted >= 0 AND refused >= 0)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A ZIP or folder of pictures that is being enrolled; resumed where it stopped.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_imports_created_at ON face_imports (created_at);

CREATE TABLE face_lists (
  list_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'short name for imports and filters',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'staff, visitor, watch or own',
  alerts BOOL NOT NULL COMMENT 'true: seeing somebody of it raises an alert',
  keep_days INTEGER COMMENT 'sightings older than this go; null: as the service is set',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was made',
  CONSTRAINT pk_face_lists PRIMARY KEY (list_id),
  CONSTRAINT uq_face_lists_code UNIQUE (code),
  CONSTRAINT ck_face_lists_kind CHECK (kind IN ('staff', 'visitor', 'watch', 'own')),
  CONSTRAINT ck_face_lists_keep_days CHECK (keep_days IS NULL OR keep_days >= 1)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A list that persons are on: staff, visitors, those to watch for, and own ones.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE face_models (
  model VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'name and version, such as sface-2021dec',
  dimension INTEGER NOT NULL COMMENT 'of its vectors',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'building, serving or retired',
  created_at DATETIME(3) NOT NULL COMMENT 'when the first vector was asked of it',
  served_at DATETIME(3) COMMENT 'since when it answers searches',
  CONSTRAINT pk_face_models PRIMARY KEY (model),
  CONSTRAINT ck_face_models_state CHECK (state IN ('building', 'serving', 'retired')),
  CONSTRAINT ck_face_models_dimension CHECK (dimension >= 16 AND dimension <= 1024)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='An embedding model whose vectors are kept. One is serving; another may be building beside it.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE face_queries (
  query_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who searched',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'search, compare, batch, person, trajectory or export',
  purpose VARCHAR(200) NOT NULL COMMENT 'why, in the words of the user',
  subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'photo, or the id of the person or sighting',
  parameters TEXT NOT NULL COMMENT 'JSON: filters, threshold, how many',
  shown TEXT NOT NULL COMMENT 'JSON: ids of persons and sightings that were shown',
  address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'network address of the caller',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  CONSTRAINT pk_face_queries PRIMARY KEY (query_id),
  CONSTRAINT ck_face_queries_kind CHECK (kind IN ('search', 'compare', 'batch', 'person', 'trajectory', 'export'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Every look for a face: who, why, with what, and what was shown. Only added to.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_queries_created_at ON face_queries (created_at, query_id);
CREATE INDEX ix_face_queries_user_id ON face_queries (user_id, created_at);

CREATE TABLE face_vectors (
  vector_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from subject and model; id in the index',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'sample or sighting',
  subject_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which sample or sighting',
  model VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which model made it',
  vector VARBINARY(4096) NOT NULL COMMENT 'float32, little-endian, length 1',
  index_state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'pending: not in the index yet; indexed; removing: to be taken out',
  updated_at DATETIME(3) NOT NULL COMMENT 'when the row last changed',
  CONSTRAINT pk_face_vectors PRIMARY KEY (vector_id),
  CONSTRAINT uq_face_vectors_subject_id UNIQUE (subject_id, model),
  CONSTRAINT ck_face_vectors_kind CHECK (kind IN ('sample', 'sighting')),
  CONSTRAINT ck_face_vectors_index_state CHECK (index_state IN ('pending', 'indexed', 'removing'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='The vector of one face by one model: the truth, of which the vector index is a cache.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_vectors_index_state ON face_vectors (index_state, model);
CREATE INDEX ix_face_vectors_model ON face_vectors (model, vector_id);

CREATE TABLE floor_plans (
  plan_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  name VARCHAR(64) NOT NULL COMMENT 'such as Building 2, ground floor',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where the picture lies',
  width INTEGER NOT NULL COMMENT 'pixels',
  height INTEGER NOT NULL COMMENT 'pixels',
  bytes BIGINT NOT NULL COMMENT 'size',
  west DOUBLE NOT NULL COMMENT 'longitude of the left edge, degrees, WGS-84',
  south DOUBLE NOT NULL COMMENT 'latitude of the lower edge',
  east DOUBLE NOT NULL COMMENT 'longitude of the right edge',
  north DOUBLE NOT NULL COMMENT 'latitude of the upper edge',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was added',
  CONSTRAINT pk_floor_plans PRIMARY KEY (plan_id),
  CONSTRAINT ck_floor_plans_corners CHECK (west < east AND south < north)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A picture to draw movements on, laid between two corners.' COLLATE utf8mb4_unicode_ci;

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

CREATE TABLE gallery_changes (
  change_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'merge, split, not_this_person, confirm or lists',
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'about whom',
  other_id VARCHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the other person or the sighting',
  `before` MEDIUMTEXT NOT NULL COMMENT 'JSON: ids and links as they were, never names or pictures',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user; null: command line',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  undone_at DATETIME(3) COMMENT 'when it was taken back',
  undone_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'by which user',
  CONSTRAINT pk_gallery_changes PRIMARY KEY (change_id),
  CONSTRAINT ck_gallery_changes_kind CHECK (kind IN ('merge', 'split', 'not_this_person', 'confirm', 'lists'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A decision about who is who, with what is needed to take it back.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_gallery_changes_created_at ON gallery_changes (created_at);
CREATE INDEX ix_gallery_changes_person_id ON gallery_changes (person_id, created_at);

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

CREATE TABLE organisations (
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  parent_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'what it is part of; null: the root',
  path VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ids from the root down to it, /a/b/: whatever is below begins with it',
  code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'short name for imports and the command line',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was added',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it last changed',
  CONSTRAINT pk_organisations PRIMARY KEY (org_id),
  CONSTRAINT uq_organisations_code UNIQUE (code),
  CONSTRAINT uq_organisations_path UNIQUE (path),
  CONSTRAINT fk_organisations_parent_id FOREIGN KEY(parent_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A company, a site or a part of one: a tree with one root. People see their own and what is below it.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_organisations_parent_id ON organisations (parent_id);

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

CREATE TABLE pass_rollups (
  scope VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'camera, or organisation with all below it',
  scope_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which',
  bucket VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'hour, day, week or month in the zone of the site',
  bucket_start DATETIME(3) NOT NULL COMMENT 'its begin',
  with_mask BIGINT NOT NULL COMMENT 'passes with a mask',
  without_mask BIGINT NOT NULL COMMENT 'passes without',
  worn_incorrectly BIGINT NOT NULL COMMENT 'passes with a mask worn incorrectly',
  watched_s DOUBLE NOT NULL COMMENT 'seconds that were watched, by all its cameras',
  wanted_s DOUBLE NOT NULL COMMENT 'seconds that should have been',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it was last counted',
  CONSTRAINT pk_pass_rollups PRIMARY KEY (scope, scope_id, bucket, bucket_start),
  CONSTRAINT ck_pass_rollups_scope CHECK (scope IN ('camera', 'organisation')),
  CONSTRAINT ck_pass_rollups_bucket CHECK (bucket IN ('hour', 'day', 'week', 'month')),
  CONSTRAINT ck_pass_rollups_counts CHECK (with_mask >= 0 AND without_mask >= 0 AND worn_incorrectly >= 0),
  CONSTRAINT ck_pass_rollups_times CHECK (watched_s >= 0 AND wanted_s >= 0)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Passes by state of one camera or organisation in one hour, day, week or month, with what was watched.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_pass_rollups_bucket_start ON pass_rollups (bucket, bucket_start, scope);

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

CREATE TABLE persons (
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  name VARCHAR(64) NOT NULL COMMENT 'what people call them',
  external_ref VARCHAR(64) COMMENT 'number in another system, such as staff no.',
  note VARCHAR(500) NOT NULL COMMENT 'what guards should know',
  basis VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'consent, contract, duty (of law) or (public) safety',
  basis_detail VARCHAR(200) NOT NULL COMMENT 'such as where the signed consent lies',
  consented_at DATETIME(3) COMMENT 'when consent was given',
  expires_at DATETIME(3) COMMENT 'after this the person is erased; null: no end',
  merged_into CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'who this turned out to be; null: a person of their own',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user; null: command line',
  created_at DATETIME(3) NOT NULL COMMENT 'when the row was made',
  updated_at DATETIME(3) NOT NULL COMMENT 'when the row last changed',
  CONSTRAINT pk_persons PRIMARY KEY (person_id),
  CONSTRAINT uq_persons_external_ref UNIQUE (external_ref),
  CONSTRAINT ck_persons_basis CHECK (basis IN ('consent', 'contract', 'duty', 'safety'))
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Somebody who is enrolled, on what legal basis, and until when. Erasing removes the row.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_persons_created_at ON persons (created_at, person_id);
CREATE INDEX ix_persons_expires_at ON persons (expires_at);
CREATE INDEX ix_persons_merged_into ON persons (merged_into);
CREATE INDEX ix_persons_name ON persons (name);

CREATE TABLE sightings (
  sighting_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from its source: a repeat is one row',
  source VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'pass (of a camera) or photo (of a patrol)',
  source_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which pass or photo',
  face_no INTEGER NOT NULL COMMENT 'which face of the photo, from 0',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'whoever may see this camera may see the sighting',
  taken_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user who took the photo',
  seen_at DATETIME(3) NOT NULL COMMENT 'when the face was seen',
  lon NUMERIC(9, 6) COMMENT 'longitude then, degrees, WGS-84',
  lat NUMERIC(8, 6) COMMENT 'latitude then, degrees, WGS-84',
  crop_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the face with some surroundings, JPEG',
  aligned_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the upright face, PNG; null: no face found',
  mask_state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'what the face wore',
  covered BOOL NOT NULL COMMENT 'mouth or nose cannot be seen: compared by another threshold',
  quality DOUBLE NOT NULL COMMENT '0 to 1',
  quality_reasons VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'codes of what is not good, comma separated',
  model VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'model that compared it',
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'who it is; null: unknown',
  decision VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'unknown, auto, near_tie, confirmed, rejected (by a human) or unusable (too poor to compare)',
  score DOUBLE COMMENT 'cosine to the nearest person, -1 to 1',
  threshold DOUBLE COMMENT 'what the score had to reach then',
  runner_up_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the next nearest person, when near',
  runner_up_score DOUBLE COMMENT 'their cosine',
  decided_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user who confirmed or rejected',
  decided_at DATETIME(3) COMMENT 'when',
  recorded_at DATETIME(3) NOT NULL COMMENT 'when the row was made',
  CONSTRAINT pk_sightings PRIMARY KEY (sighting_id),
  CONSTRAINT ck_sightings_source CHECK (source IN ('pass', 'photo')),
  CONSTRAINT ck_sightings_decision CHECK (decision IN ('unknown', 'auto', 'near_tie', 'confirmed', 'rejected', 'unusable')),
  CONSTRAINT ck_sightings_mask_state CHECK (mask_state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')),
  CONSTRAINT ck_sightings_quality CHECK (quality >= 0 AND quality <= 1)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A face that was seen, recognised or not: one row a pass, or face of a photo. No foreign keys.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_sightings_camera_id ON sightings (camera_id, seen_at, sighting_id);
CREATE INDEX ix_sightings_person_id ON sightings (person_id, seen_at, sighting_id);
CREATE INDEX ix_sightings_seen_at ON sightings (seen_at, sighting_id);
CREATE INDEX ix_sightings_source_id ON sightings (source_id);

CREATE TABLE watch_alerts (
  alert_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from sighting and person',
  sighting_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which sighting; whoever may see it may see the alert',
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who is on the list',
  list_names TEXT NOT NULL COMMENT 'JSON: the lists that wanted to be told, as they were called',
  score DOUBLE COMMENT 'cosine to the person then, -1 to 1',
  threshold DOUBLE COMMENT 'what it had to reach then',
  near_tie BOOL NOT NULL COMMENT 'another person was about as near',
  seen_at DATETIME(3) NOT NULL COMMENT 'when the face was seen',
  raised_at DATETIME(3) NOT NULL COMMENT 'when the row was made',
  acknowledged_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user who has seen to it first',
  acknowledged_at DATETIME(3) COMMENT 'when; null: nobody yet',
  CONSTRAINT pk_watch_alerts PRIMARY KEY (alert_id),
  CONSTRAINT uq_watch_alerts_sighting_id UNIQUE (sighting_id, person_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Somebody on a list that wants to be told was seen: one row a sighting and person. Gone with either.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_watch_alerts_person_id ON watch_alerts (person_id);
CREATE INDEX ix_watch_alerts_seen_at ON watch_alerts (seen_at, alert_id);

CREATE TABLE alerts (
  alert_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from its cause',
  cause VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'rule and what it saw: a repeated message is no second',
  rule_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which rule raised it',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the camera''s organisation then',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'whoever may see this camera may see the alert',
  pass_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the pass that raised it, with its pictures',
  outage_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the outage that raised it',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'state or camera_down, as the rule said',
  severity VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'info, warning or critical, as the rule said',
  detail TEXT NOT NULL COMMENT 'JSON: what was seen, for people and messages',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'new, acknowledged, assigned, resolved or false_alarm',
  repeats INTEGER NOT NULL COMMENT 'what came during the pause and raised no alert of its own',
  assigned_to CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which user sees to it',
  raised_at DATETIME(3) NOT NULL COMMENT 'when it happened',
  acknowledged_at DATETIME(3) COMMENT 'when somebody first said to have seen it',
  acknowledged_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'by which user',
  closed_at DATETIME(3) COMMENT 'when it was resolved or called false',
  closed_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'by which user; null: the cause ended by itself',
  kept_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'of a false alarm: where its pictures are kept for training',
  updated_at DATETIME(3) NOT NULL COMMENT 'when the row last changed',
  CONSTRAINT pk_alerts PRIMARY KEY (alert_id),
  CONSTRAINT uq_alerts_cause UNIQUE (cause),
  CONSTRAINT ck_alerts_kind CHECK (kind IN ('state', 'camera_down')),
  CONSTRAINT ck_alerts_state CHECK (state IN ('new', 'acknowledged', 'assigned', 'resolved', 'false_alarm')),
  CONSTRAINT ck_alerts_severity CHECK (severity IN ('info', 'warning', 'critical')),
  CONSTRAINT ck_alerts_assigned_to CHECK (state <> 'assigned' OR assigned_to IS NOT NULL),
  CONSTRAINT ck_alerts_repeats CHECK (repeats >= 0),
  CONSTRAINT fk_alerts_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Something that somebody has to look at. The same cause makes one.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_alerts_assigned_to ON alerts (assigned_to, state);
CREATE INDEX ix_alerts_camera_id ON alerts (camera_id, raised_at, alert_id);
CREATE INDEX ix_alerts_org_id ON alerts (org_id, raised_at, alert_id);
CREATE INDEX ix_alerts_rule_id ON alerts (rule_id, raised_at);
CREATE INDEX ix_alerts_state ON alerts (state, raised_at, alert_id);

CREATE TABLE camera_groups (
  group_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose cameras',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was made',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it or its members last changed',
  CONSTRAINT pk_camera_groups PRIMARY KEY (group_id),
  CONSTRAINT uq_camera_groups_org_id UNIQUE (org_id, name),
  CONSTRAINT fk_camera_groups_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Cameras that belong together for people: an entrance, a floor.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE cameras (
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose: seen from this organisation and above',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  url_cipher VARCHAR(4096) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'address with credentials, Fernet',
  url_sha256 BINARY(32) NOT NULL COMMENT 'keyed SHA-256 (HMAC) of the address, to compare without opening',
  address VARCHAR(512) NOT NULL COMMENT 'host and path for people, without any secret',
  lon NUMERIC(9, 6) COMMENT 'longitude, degrees, WGS-84',
  lat NUMERIC(8, 6) COMMENT 'latitude, degrees, WGS-84',
  geohash VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'of its place, for maps; null: no place',
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
  transport VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'tcp or udp; null: not RTSP, or unknown',
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
  CONSTRAINT ck_cameras_analysed_fps CHECK (analysed_fps IS NULL OR (analysed_fps > 0 AND analysed_fps <= 30)),
  CONSTRAINT fk_cameras_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A place with a camera, what its owner last reported, and where the picture comes from (encrypted).' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_cameras_geohash ON cameras (geohash);
CREATE INDEX ix_cameras_lat ON cameras (lat, lon);
CREATE INDEX ix_cameras_name ON cameras (name);
CREATE INDEX ix_cameras_org_id ON cameras (org_id, camera_id);
CREATE INDEX ix_cameras_url_sha256 ON cameras (url_sha256);

CREATE TABLE chat_rooms (
  room_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose people may be members',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'organisation, patrol or group',
  subject_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which organisation or patrol: so it has one room',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  last_seq BIGINT NOT NULL COMMENT 'number of its newest message; 0: none',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which user made it; null: nobody, it comes by itself',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  closed_at DATETIME(3) COMMENT 'since when nobody may write; it can still be read',
  CONSTRAINT pk_chat_rooms PRIMARY KEY (room_id),
  CONSTRAINT uq_chat_rooms_subject_id UNIQUE (subject_id),
  CONSTRAINT ck_chat_rooms_kind CHECK (kind IN ('organisation', 'patrol', 'group')),
  CONSTRAINT ck_chat_rooms_subject_id CHECK ((kind = 'group') = (subject_id IS NULL)),
  CONSTRAINT fk_chat_rooms_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Where people write to each other: one room an organisation, one a patrol, and groups of their own.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_chat_rooms_org_id ON chat_rooms (org_id);

CREATE TABLE delivery_channels (
  channel_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose alerts, with those below',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'webhook, email, wecom, dingtalk or feishu',
  address_cipher VARCHAR(4096) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'web or e-mail address, Fernet: addresses of robots are secrets',
  shown_address VARCHAR(200) NOT NULL COMMENT 'what people see of it',
  secret_cipher VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'what signs its messages, Fernet',
  min_severity VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'less severe alerts are not sent',
  enabled BOOL NOT NULL COMMENT 'false: nothing is sent',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which user made it',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it last changed',
  deleted_at DATETIME(3) COMMENT 'removed; the row stays because its deliveries do',
  CONSTRAINT pk_delivery_channels PRIMARY KEY (channel_id),
  CONSTRAINT ck_delivery_channels_kind CHECK (kind IN ('webhook', 'email', 'wecom', 'dingtalk', 'feishu')),
  CONSTRAINT ck_delivery_channels_min_severity CHECK (min_severity IN ('info', 'warning', 'critical')),
  CONSTRAINT fk_delivery_channels_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Where alerts of an organisation are sent: a webhook, an e-mail address, a robot of a group.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_delivery_channels_org_id ON delivery_channels (org_id);

CREATE TABLE face_import_lines (
  import_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which import',
  line_no INTEGER NOT NULL COMMENT 'from 1',
  file VARCHAR(255) NOT NULL COMMENT 'path in the ZIP or folder',
  outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'accepted, repeated (was enrolled already) or refused',
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'code of why it was refused',
  detail VARCHAR(200) COMMENT 'the reason in words',
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'whom it was enrolled for',
  sample_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'as which sample',
  CONSTRAINT pk_face_import_lines PRIMARY KEY (import_id, line_no),
  CONSTRAINT ck_face_import_lines_outcome CHECK (outcome IN ('accepted', 'repeated', 'refused')),
  CONSTRAINT fk_face_import_lines_import_id FOREIGN KEY(import_id) REFERENCES face_imports (import_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What became of one picture of an import: the report, and where a resumed one goes on.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE face_negatives (
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who it is not',
  sighting_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose face; its vector is the negative sample',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user; null: command line',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  CONSTRAINT pk_face_negatives PRIMARY KEY (person_id, sighting_id),
  CONSTRAINT fk_face_negatives_person_id FOREIGN KEY(person_id) REFERENCES persons (person_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A human said that a sighting is not this person; searches respect it for faces like that one.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_negatives_sighting_id ON face_negatives (sighting_id);

CREATE TABLE face_samples (
  sample_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose face',
  content_sha256 BINARY(32) NOT NULL COMMENT 'of the picture as it was sent: a repeat is no second sample',
  crop_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the face with some surroundings, JPEG',
  aligned_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the upright face as the network reads it, PNG',
  quality DOUBLE NOT NULL COMMENT '0 to 1',
  quality_reasons VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'codes of what is not good, comma separated',
  mask_state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'what the face wears',
  covered BOOL NOT NULL COMMENT 'mouth or nose cannot be seen',
  source VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'upload, import or sighting',
  sighting_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the sighting it was taken from',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'user; null: command line',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was enrolled',
  CONSTRAINT pk_face_samples PRIMARY KEY (sample_id),
  CONSTRAINT uq_face_samples_person_id UNIQUE (person_id, content_sha256),
  CONSTRAINT ck_face_samples_source CHECK (source IN ('upload', 'import', 'sighting')),
  CONSTRAINT ck_face_samples_mask_state CHECK (mask_state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')),
  CONSTRAINT ck_face_samples_quality CHECK (quality >= 0 AND quality <= 1),
  CONSTRAINT fk_face_samples_person_id FOREIGN KEY(person_id) REFERENCES persons (person_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A picture by which a person is recognised: the cut face, from which vectors can be made again.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_face_samples_sighting_id ON face_samples (sighting_id);

CREATE TABLE notices (
  notice_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose people read it',
  title VARCHAR(120) NOT NULL COMMENT 'one line',
  body TEXT NOT NULL COMMENT 'plain text, at most 4,000 characters',
  starts_at DATETIME(3) NOT NULL COMMENT 'shown from here',
  ends_at DATETIME(3) COMMENT 'shown until here; null: no end',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which user wrote it',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it last changed',
  CONSTRAINT pk_notices PRIMARY KEY (notice_id),
  CONSTRAINT ck_notices_ends_at CHECK (ends_at IS NULL OR ends_at > starts_at),
  CONSTRAINT fk_notices_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Something that people of an organisation and those below it are to read, for a time.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_notices_org_id ON notices (org_id, starts_at);

CREATE TABLE patrol_routes (
  route_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose people walk it',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  plan TEXT COMMENT 'JSON: weekdays and times of its starts; null: any time',
  enabled BOOL NOT NULL COMMENT 'false: not offered',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which user made it',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it or a checkpoint last changed',
  deleted_at DATETIME(3) COMMENT 'removed; the row stays because its patrols do',
  CONSTRAINT pk_patrol_routes PRIMARY KEY (route_id),
  CONSTRAINT fk_patrol_routes_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A way that is to be patrolled, and when.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_patrol_routes_org_id ON patrol_routes (org_id);

CREATE TABLE person_lists (
  person_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who',
  list_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'on which list',
  added_at DATETIME(3) NOT NULL COMMENT 'since when',
  CONSTRAINT pk_person_lists PRIMARY KEY (person_id, list_id),
  CONSTRAINT fk_person_lists_person_id FOREIGN KEY(person_id) REFERENCES persons (person_id) ON DELETE CASCADE,
  CONSTRAINT fk_person_lists_list_id FOREIGN KEY(list_id) REFERENCES face_lists (list_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Who is on which list.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_person_lists_list_id ON person_lists (list_id);

CREATE TABLE roles (
  code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'short name; never changes',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose people may have it: of this organisation and those below',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  rank_no INTEGER NOT NULL COMMENT '1 to 100: nobody changes people of a higher rank or gives one',
  patrol_radius_m INTEGER NOT NULL COMMENT 'how far around one the map shows cameras, metres',
  permissions TEXT COMMENT 'JSON: names of permissions; null: what the release gives to the built-in role of this code',
  built_in BOOL NOT NULL COMMENT 'true: comes with every installation and cannot be removed',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was made',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it last changed',
  CONSTRAINT pk_roles PRIMARY KEY (code),
  CONSTRAINT ck_roles_rank_no CHECK (rank_no >= 1 AND rank_no <= 100),
  CONSTRAINT ck_roles_patrol_radius_m CHECK (patrol_radius_m >= 1 AND patrol_radius_m <= 1000000),
  CONSTRAINT fk_roles_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What somebody is: rank, permissions, and how far around them the map shows cameras.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_roles_org_id ON roles (org_id);

CREATE TABLE alert_comments (
  comment_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  alert_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'about which alert',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'who; null: the system',
  body VARCHAR(1000) NOT NULL COMMENT 'plain text; may be empty with a change of state',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'what the alert became with it; null: only words',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  CONSTRAINT pk_alert_comments PRIMARY KEY (comment_id),
  CONSTRAINT fk_alert_comments_alert_id FOREIGN KEY(alert_id) REFERENCES alerts (alert_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What somebody said about an alert, and every change of its state.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_alert_comments_alert_id ON alert_comments (alert_id, comment_id);

CREATE TABLE alert_rules (
  rule_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose cameras it watches, with those below',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'only this camera',
  group_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'only cameras of this group',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'state (of a person who passes) or camera_down',
  states VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'JSON: which mask states; null for cameras',
  hold_s INTEGER NOT NULL COMMENT 'for how long it has to be so, seconds',
  zone VARCHAR(64) COMMENT 'name of a zone of the camera; null: everywhere',
  hours TEXT COMMENT 'JSON: when it counts, by weekday; null: always',
  cooldown_s INTEGER NOT NULL COMMENT 'after an alert this camera raises none for so long',
  min_confidence DOUBLE COMMENT 'how sure the verdict has to be, 0 to 1',
  severity VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'info, warning or critical',
  enabled BOOL NOT NULL COMMENT 'false: raises nothing',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which user made it; null: came with the installation',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it last changed',
  deleted_at DATETIME(3) COMMENT 'removed; the row stays because its alerts do',
  CONSTRAINT pk_alert_rules PRIMARY KEY (rule_id),
  CONSTRAINT ck_alert_rules_kind CHECK (kind IN ('state', 'camera_down')),
  CONSTRAINT ck_alert_rules_severity CHECK (severity IN ('info', 'warning', 'critical')),
  CONSTRAINT ck_alert_rules_scope CHECK (camera_id IS NULL OR group_id IS NULL),
  CONSTRAINT ck_alert_rules_times CHECK (hold_s >= 0 AND cooldown_s >= 0),
  CONSTRAINT ck_alert_rules_confidence CHECK (min_confidence IS NULL OR (min_confidence >= 0 AND min_confidence <= 1)),
  CONSTRAINT fk_alert_rules_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id),
  CONSTRAINT fk_alert_rules_camera_id FOREIGN KEY(camera_id) REFERENCES cameras (camera_id),
  CONSTRAINT fk_alert_rules_group_id FOREIGN KEY(group_id) REFERENCES camera_groups (group_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What raises an alert: a state for some time, in a zone, at some hours, then a pause.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_alert_rules_camera_id ON alert_rules (camera_id);
CREATE INDEX ix_alert_rules_group_id ON alert_rules (group_id);
CREATE INDEX ix_alert_rules_org_id ON alert_rules (org_id);

CREATE TABLE camera_group_members (
  group_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'in which group',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which camera',
  CONSTRAINT pk_camera_group_members PRIMARY KEY (group_id, camera_id),
  CONSTRAINT fk_camera_group_members_group_id FOREIGN KEY(group_id) REFERENCES camera_groups (group_id) ON DELETE CASCADE,
  CONSTRAINT fk_camera_group_members_camera_id FOREIGN KEY(camera_id) REFERENCES cameras (camera_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Which camera is in which group.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_camera_group_members_camera_id ON camera_group_members (camera_id);

CREATE TABLE chat_messages (
  message_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  room_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'in which room',
  seq BIGINT NOT NULL COMMENT 'order in the room, from 1, without gaps',
  sender_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'who wrote it; null: the system',
  client_msg_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'given by the client: resending is harmless',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'text, picture or system',
  body TEXT NOT NULL COMMENT 'plain text, at most 2,000 characters; empty once it is deleted',
  mentions TEXT COMMENT 'JSON: ids of users who were mentioned',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'where its picture lies',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was accepted',
  deleted_at DATETIME(3) COMMENT 'taken back, or removed by a moderator',
  deleted_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'by which user',
  CONSTRAINT pk_chat_messages PRIMARY KEY (message_id),
  CONSTRAINT uq_chat_messages_room_id UNIQUE (room_id, seq),
  CONSTRAINT uq_chat_messages_client_msg_id UNIQUE (room_id, sender_id, client_msg_id),
  CONSTRAINT ck_chat_messages_kind CHECK (kind IN ('text', 'picture', 'system')),
  CONSTRAINT ck_chat_messages_seq CHECK (seq >= 1),
  CONSTRAINT fk_chat_messages_room_id FOREIGN KEY(room_id) REFERENCES chat_rooms (room_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='What was written, numbered within its room. The same client id a second time is the same message.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_chat_messages_created_at ON chat_messages (created_at);

CREATE TABLE deliveries (
  delivery_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from channel and cause: sent along',
  channel_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'to which channel',
  alert_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'about which alert; null: a test or a digest',
  cause VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'alert and what became of it: told once a channel',
  payload TEXT NOT NULL COMMENT 'JSON that is sent, made when the cause happened',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'waiting, sent or failed',
  attempts INTEGER NOT NULL COMMENT 'how often it was tried',
  next_at DATETIME(3) COMMENT 'when it is tried next; null: not any more',
  last_answer VARCHAR(200) COMMENT 'what came back last, without secrets',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was due first',
  sent_at DATETIME(3) COMMENT 'when it was accepted',
  CONSTRAINT pk_deliveries PRIMARY KEY (delivery_id),
  CONSTRAINT uq_deliveries_channel_id UNIQUE (channel_id, cause),
  CONSTRAINT ck_deliveries_state CHECK (state IN ('waiting', 'sent', 'failed')),
  CONSTRAINT ck_deliveries_attempts CHECK (attempts >= 0),
  CONSTRAINT fk_deliveries_channel_id FOREIGN KEY(channel_id) REFERENCES delivery_channels (channel_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One message to one channel: tried again with growing pauses, then failed; it can be sent anew.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_deliveries_alert_id ON deliveries (alert_id);
CREATE INDEX ix_deliveries_created_at ON deliveries (created_at);
CREATE INDEX ix_deliveries_next_at ON deliveries (state, next_at);

CREATE TABLE route_checkpoints (
  checkpoint_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  route_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of which route',
  position INTEGER NOT NULL COMMENT 'order on the route, from 0',
  name VARCHAR(64) NOT NULL COMMENT 'what people call it',
  lon NUMERIC(9, 6) NOT NULL COMMENT 'longitude, degrees, WGS-84',
  lat NUMERIC(8, 6) NOT NULL COMMENT 'latitude, degrees, WGS-84',
  radius_m INTEGER NOT NULL COMMENT 'how near counts, metres',
  code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'text of its QR code or NFC tag; then being near is not enough. null: none',
  due_s INTEGER COMMENT 'when it is due, seconds after the start; null: any time',
  tolerance_s INTEGER NOT NULL COMMENT 'how much later still counts as in time, seconds',
  CONSTRAINT pk_route_checkpoints PRIMARY KEY (checkpoint_id),
  CONSTRAINT uq_route_checkpoints_route_id UNIQUE (route_id, position),
  CONSTRAINT uq_route_checkpoints_code UNIQUE (code),
  CONSTRAINT ck_route_checkpoints_radius_m CHECK (radius_m >= 1 AND radius_m <= 1000),
  CONSTRAINT ck_route_checkpoints_position CHECK (position >= 0),
  CONSTRAINT ck_route_checkpoints_due_s CHECK (due_s IS NULL OR due_s >= 0),
  CONSTRAINT ck_route_checkpoints_lon CHECK (lon >= -180 AND lon <= 180),
  CONSTRAINT ck_route_checkpoints_lat CHECK (lat >= -90 AND lat <= 90),
  CONSTRAINT fk_route_checkpoints_route_id FOREIGN KEY(route_id) REFERENCES patrol_routes (route_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A place on a route where one has to have been: near enough, or by scanning its code.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE users (
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  username VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'what is typed at login; stored case-folded (NFKC), so the same name exists once',
  display_name VARCHAR(64) NOT NULL COMMENT 'what others see',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose: sees this organisation and those below',
  `role` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which role: decides the permissions',
  status VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'active or disabled; a disabled user is out within seconds',
  created_at DATETIME(3) NOT NULL COMMENT 'when the account was made',
  last_login_at DATETIME(3) COMMENT 'last successful login',
  bio VARCHAR(200) COMMENT 'what they say of themselves',
  phone VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'telephone number, for their superiors',
  note VARCHAR(500) COMMENT 'what superiors note about them',
  updated_at DATETIME(3) COMMENT 'when the account last changed; null: never',
  totp_cipher VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'secret of the second factor, Fernet; null: none',
  totp_at DATETIME(3) COMMENT 'since when it is asked for; null: not confirmed yet',
  totp_step BIGINT COMMENT 'time step of the last code: it works once',
  totp_recovery TEXT COMMENT 'JSON: hashes of the unused recovery codes',
  CONSTRAINT pk_users PRIMARY KEY (user_id),
  CONSTRAINT uq_users_username UNIQUE (username),
  CONSTRAINT ck_users_status CHECK (status IN ('active', 'disabled')),
  CONSTRAINT fk_users_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id),
  CONSTRAINT fk_users_role FOREIGN KEY(`role`) REFERENCES roles (code)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Somebody who logs in. The role decides the permissions; grants decide single cameras.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_users_created_at ON users (created_at);
CREATE INDEX ix_users_org_id ON users (org_id, user_id);
CREATE INDEX ix_users_role ON users (`role`);

CREATE TABLE api_tokens (
  token_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  token_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of the token; the token itself is nowhere',
  name VARCHAR(64) NOT NULL COMMENT 'what it is for',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where its permissions hold, with those below',
  permissions TEXT NOT NULL COMMENT 'JSON: names of permissions',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who made it and answers for it',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  expires_at DATETIME(3) COMMENT 'after this it is refused; null: no end',
  last_used_at DATETIME(3) COMMENT 'about when it last was used',
  last_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'from which network address',
  revoked_at DATETIME(3) COMMENT 'when it was taken back',
  CONSTRAINT pk_api_tokens PRIMARY KEY (token_id),
  CONSTRAINT uq_api_tokens_token_hash UNIQUE (token_hash),
  CONSTRAINT fk_api_tokens_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id),
  CONSTRAINT fk_api_tokens_created_by FOREIGN KEY(created_by) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A key for a program: some permissions in one organisation, never more than who made it holds.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_api_tokens_created_by ON api_tokens (created_by);
CREATE INDEX ix_api_tokens_org_id ON api_tokens (org_id);

CREATE TABLE auth_sessions (
  auth_session_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  family_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'one login: all tokens that came from it',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who logged in',
  refresh_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of the token; the token itself is nowhere',
  rotation INTEGER NOT NULL COMMENT '0 at login, one more with each replacement',
  address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'network address that asked for it',
  client VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'browser, mini_program or token',
  device VARCHAR(120) COMMENT 'what the client calls itself',
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
  expires_at DATETIME(3) COMMENT 'until when; null: no end',
  request_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the request that it answers; null: given unasked',
  CONSTRAINT pk_camera_grants PRIMARY KEY (camera_id, user_id),
  CONSTRAINT fk_camera_grants_camera_id FOREIGN KEY(camera_id) REFERENCES cameras (camera_id) ON DELETE CASCADE,
  CONSTRAINT fk_camera_grants_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A user may see a camera, beyond what the role gives. Removing the row ends running streams.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_camera_grants_expires_at ON camera_grants (expires_at);
CREATE INDEX ix_camera_grants_user_id ON camera_grants (user_id);

CREATE TABLE chat_members (
  room_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'in which room',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who',
  standing VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'member or moderator',
  last_read_seq BIGINT NOT NULL COMMENT 'number of the last message that was read',
  muted_until DATETIME(3) COMMENT 'may not write before this',
  joined_at DATETIME(3) NOT NULL COMMENT 'since when',
  CONSTRAINT pk_chat_members PRIMARY KEY (room_id, user_id),
  CONSTRAINT ck_chat_members_standing CHECK (standing IN ('member', 'moderator')),
  CONSTRAINT fk_chat_members_room_id FOREIGN KEY(room_id) REFERENCES chat_rooms (room_id) ON DELETE CASCADE,
  CONSTRAINT fk_chat_members_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Who is in a room, up to where they have read, and whether they may write.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_chat_members_user_id ON chat_members (user_id);

CREATE TABLE duty_photos (
  duty_photo_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who',
  duty_date DATE NOT NULL COMMENT 'which day, in the zone of the site',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where the picture lies',
  quality TEXT NOT NULL COMMENT 'JSON: what was measured at the gates',
  lon NUMERIC(9, 6) COMMENT 'longitude, degrees, WGS-84',
  lat NUMERIC(8, 6) COMMENT 'latitude, degrees, WGS-84',
  taken_at DATETIME(3) NOT NULL COMMENT 'when it was accepted',
  CONSTRAINT pk_duty_photos PRIMARY KEY (duty_photo_id),
  CONSTRAINT uq_duty_photos_user_id UNIQUE (user_id, duty_date),
  CONSTRAINT uq_duty_photos_object_key UNIQUE (object_key),
  CONSTRAINT ck_duty_photos_lon CHECK (lon >= -180 AND lon <= 180),
  CONSTRAINT ck_duty_photos_lat CHECK (lat >= -90 AND lat <= 90),
  CONSTRAINT fk_duty_photos_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='The face of somebody at the first login of a day on duty: one a user and day.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_duty_photos_taken_at ON duty_photos (taken_at);

CREATE TABLE one_time_links (
  link_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'reset, or first (of a new account)',
  link_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of its secret; the secret itself is nowhere',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose password',
  created_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which user made it; null: command line',
  created_at DATETIME(3) NOT NULL COMMENT 'when',
  expires_at DATETIME(3) NOT NULL COMMENT 'after this it is refused',
  used_at DATETIME(3) COMMENT 'when it was used; a second use is refused',
  CONSTRAINT pk_one_time_links PRIMARY KEY (link_id),
  CONSTRAINT uq_one_time_links_link_hash UNIQUE (link_hash),
  CONSTRAINT ck_one_time_links_kind CHECK (kind IN ('reset', 'first')),
  CONSTRAINT fk_one_time_links_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A link with which somebody sets a password: once, and for a while.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_one_time_links_expires_at ON one_time_links (expires_at);
CREATE INDEX ix_one_time_links_user_id ON one_time_links (user_id);

CREATE TABLE patrols (
  patrol_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who walks',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the user''s organisation then',
  route_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which planned route; null: none',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'active, finished or abandoned (closed by the clock)',
  active_user CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the user while it is active, else null: so there is one',
  start_lon NUMERIC(9, 6) COMMENT 'longitude at the start, degrees, WGS-84',
  start_lat NUMERIC(8, 6) COMMENT 'latitude at the start, degrees, WGS-84',
  started_at DATETIME(3) NOT NULL COMMENT 'when it began, by our clock',
  heard_at DATETIME(3) NOT NULL COMMENT 'when something last came of it; silent ones are abandoned',
  ended_at DATETIME(3) COMMENT 'when it was finished or abandoned',
  skew_ms BIGINT NOT NULL COMMENT 'phone''s clock minus ours, milliseconds, as last measured',
  with_mask INTEGER NOT NULL COMMENT 'faces with a mask on its photos',
  without_mask INTEGER NOT NULL COMMENT 'faces without',
  worn_incorrectly INTEGER NOT NULL COMMENT 'faces with a mask worn incorrectly',
  photos INTEGER NOT NULL COMMENT 'photos that count',
  points INTEGER NOT NULL COMMENT 'points of its track',
  length_m DOUBLE NOT NULL COMMENT 'length of its track without jumps, metres',
  checkpoints_hit INTEGER NOT NULL COMMENT 'checkpoints of the route that were reached',
  checkpoints_missed INTEGER NOT NULL COMMENT 'those that were not, known at the end',
  checkpoints_late INTEGER NOT NULL COMMENT 'those that were reached too late',
  updated_at DATETIME(3) NOT NULL COMMENT 'when the row last changed',
  CONSTRAINT pk_patrols PRIMARY KEY (patrol_id),
  CONSTRAINT uq_patrols_active_user UNIQUE (active_user),
  CONSTRAINT ck_patrols_state CHECK (state IN ('active', 'finished', 'abandoned')),
  CONSTRAINT ck_patrols_active_user CHECK ((state = 'active') = (active_user IS NOT NULL)),
  CONSTRAINT ck_patrols_ended_at CHECK ((state = 'active') = (ended_at IS NULL)),
  CONSTRAINT ck_patrols_start_lon CHECK (start_lon >= -180 AND start_lon <= 180),
  CONSTRAINT ck_patrols_start_lat CHECK (start_lat >= -90 AND start_lat <= 90),
  CONSTRAINT fk_patrols_user_id FOREIGN KEY(user_id) REFERENCES users (user_id),
  CONSTRAINT fk_patrols_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id),
  CONSTRAINT fk_patrols_route_id FOREIGN KEY(route_id) REFERENCES patrol_routes (route_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='One walk of one user. At most one is active per user; totals are counted by the server.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_patrols_heard_at ON patrols (state, heard_at);
CREATE INDEX ix_patrols_org_id ON patrols (org_id, started_at, patrol_id);
CREATE INDEX ix_patrols_route_id ON patrols (route_id, started_at);
CREATE INDEX ix_patrols_user_id ON patrols (user_id, started_at, patrol_id);

CREATE TABLE requests (
  request_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'ULID',
  kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'camera_access, role_upgrade or camera_onboard',
  applicant_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who asks',
  org_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose people decide: the applicant''s, or the camera''s',
  camera_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which camera; of an approved onboarding the one that it became',
  `role` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which role is asked for',
  payload TEXT COMMENT 'JSON of what a new camera would be; its address is sealed with the installation''s key',
  reason VARCHAR(500) NOT NULL COMMENT 'why, in the words of the applicant',
  status VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'unread, read, approved, rejected, withdrawn or expired',
  open_key VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'kind:applicant:object while it is open, else null: so there is one',
  read_at DATETIME(3) COMMENT 'when somebody who may decide opened it first',
  decided_by CHAR(26) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'which user decided; null for withdrawn and expired ones',
  decided_at DATETIME(3) COMMENT 'when it ended',
  note VARCHAR(500) COMMENT 'why it was decided so, for the applicant',
  grant_expires_at DATETIME(3) COMMENT 'until when the right was given; null: no end',
  expires_at DATETIME(3) COMMENT 'when it ends undecided; null: never',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was asked',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it last changed',
  CONSTRAINT pk_requests PRIMARY KEY (request_id),
  CONSTRAINT uq_requests_open_key UNIQUE (open_key),
  CONSTRAINT ck_requests_kind CHECK (kind IN ('camera_access', 'role_upgrade', 'camera_onboard')),
  CONSTRAINT ck_requests_status CHECK (status IN ('unread', 'read', 'approved', 'rejected', 'withdrawn', 'expired')),
  CONSTRAINT ck_requests_open_key CHECK ((status IN ('unread', 'read')) = (open_key IS NOT NULL)),
  CONSTRAINT ck_requests_object CHECK ((kind = 'camera_access') = (camera_id IS NOT NULL) OR kind = 'camera_onboard'),
  CONSTRAINT fk_requests_applicant_id FOREIGN KEY(applicant_id) REFERENCES users (user_id),
  CONSTRAINT fk_requests_org_id FOREIGN KEY(org_id) REFERENCES organisations (org_id),
  CONSTRAINT fk_requests_camera_id FOREIGN KEY(camera_id) REFERENCES cameras (camera_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Somebody asks for a camera, a role or a new camera. One open request per person, kind and object.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_requests_applicant_id ON requests (applicant_id, created_at, request_id);
CREATE INDEX ix_requests_camera_id ON requests (camera_id);
CREATE INDEX ix_requests_expires_at ON requests (expires_at);
CREATE INDEX ix_requests_org_id ON requests (org_id, status, created_at, request_id);

CREATE TABLE user_credentials (
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose password',
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'argon2id, encoded with its parameters',
  must_change BOOL NOT NULL COMMENT 'true for one-time passwords: nothing else works before',
  changed_at DATETIME(3) NOT NULL COMMENT 'when this password was set',
  CONSTRAINT pk_user_credentials PRIMARY KEY (user_id),
  CONSTRAINT fk_user_credentials_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Password of a user, apart from the user so that no profile query can return it.' COLLATE utf8mb4_unicode_ci;

CREATE TABLE user_identities (
  provider VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'wechat',
  subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'openid of the mini-program',
  union_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'unionid, where WeChat gives one',
  user_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'whose',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was bound',
  CONSTRAINT pk_user_identities PRIMARY KEY (provider, subject),
  CONSTRAINT uq_user_identities_user_id UNIQUE (user_id, provider),
  CONSTRAINT ck_user_identities_provider CHECK (provider IN ('wechat')),
  CONSTRAINT fk_user_identities_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A WeChat identity that is bound to an account. One an account, one account an identity.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_user_identities_union_id ON user_identities (union_id);

CREATE TABLE checkpoint_hits (
  patrol_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'on which patrol',
  checkpoint_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'which; no foreign key, routes change',
  how VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'position, qr or nfc',
  reached_at DATETIME(3) NOT NULL COMMENT 'when',
  distance_m DOUBLE COMMENT 'how far from it, metres',
  late_s INTEGER NOT NULL COMMENT 'how much later than it was due, seconds; 0: in time',
  CONSTRAINT pk_checkpoint_hits PRIMARY KEY (patrol_id, checkpoint_id),
  CONSTRAINT ck_checkpoint_hits_how CHECK (how IN ('position', 'qr', 'nfc')),
  CONSTRAINT fk_checkpoint_hits_patrol_id FOREIGN KEY(patrol_id) REFERENCES patrols (patrol_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Somebody was at a checkpoint on a patrol: the first time counts.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_checkpoint_hits_checkpoint_id ON checkpoint_hits (checkpoint_id, reached_at);

CREATE TABLE patrol_photos (
  photo_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived from patrol and key',
  patrol_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'on which patrol',
  client_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the phone''s Idempotency-Key',
  content_sha256 BINARY(32) NOT NULL COMMENT 'of the picture: another one may not take the key',
  object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where the picture lies',
  annotated_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'the same with boxes; null: not yet',
  width INTEGER COMMENT 'pixels',
  height INTEGER COMMENT 'pixels',
  lon NUMERIC(9, 6) COMMENT 'longitude, degrees, WGS-84',
  lat NUMERIC(8, 6) COMMENT 'latitude, degrees, WGS-84',
  taken_at DATETIME(3) NOT NULL COMMENT 'when, corrected to our clock',
  received_at DATETIME(3) NOT NULL COMMENT 'when it came',
  state VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'queued (to be analysed), done or failed',
  boxes TEXT COMMENT 'JSON: faces with state, score and box as fractions',
  with_mask INTEGER COMMENT 'faces with a mask; null: not analysed',
  without_mask INTEGER COMMENT 'faces without',
  worn_incorrectly INTEGER COMMENT 'faces with a mask worn incorrectly',
  analysed_at DATETIME(3) COMMENT 'when the answer came',
  failure VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin COMMENT 'code of why it failed',
  deleted_at DATETIME(3) COMMENT 'removed by a person; its objects are gone',
  CONSTRAINT pk_patrol_photos PRIMARY KEY (photo_id),
  CONSTRAINT uq_patrol_photos_patrol_id UNIQUE (patrol_id, client_key),
  CONSTRAINT uq_patrol_photos_object_key UNIQUE (object_key),
  CONSTRAINT ck_patrol_photos_state CHECK (state IN ('queued', 'done', 'failed')),
  CONSTRAINT ck_patrol_photos_lon CHECK (lon >= -180 AND lon <= 180),
  CONSTRAINT ck_patrol_photos_lat CHECK (lat >= -90 AND lat <= 90),
  CONSTRAINT fk_patrol_photos_patrol_id FOREIGN KEY(patrol_id) REFERENCES patrols (patrol_id)
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='A photo of people taken on a patrol, and what was found on it. A repeated upload is the same row.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_patrol_photos_state ON patrol_photos (state, received_at);
CREATE INDEX ix_patrol_photos_taken_at ON patrol_photos (taken_at, photo_id);

CREATE TABLE track_points (
  patrol_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'on which patrol',
  seq INTEGER NOT NULL COMMENT 'number by the phone, from 0',
  recorded_at DATETIME(3) NOT NULL COMMENT 'when, corrected to our clock',
  received_at DATETIME(3) NOT NULL COMMENT 'when it came; hours later after an offline time',
  lon NUMERIC(9, 6) NOT NULL COMMENT 'longitude, degrees, WGS-84',
  lat NUMERIC(8, 6) NOT NULL COMMENT 'latitude, degrees, WGS-84',
  accuracy_m DOUBLE COMMENT 'how exact, metres, as the phone says',
  speed_mps DOUBLE COMMENT 'metres per second, as the phone says',
  jump BOOL NOT NULL COMMENT 'nobody walks that fast: kept, but not counted',
  CONSTRAINT pk_track_points PRIMARY KEY (patrol_id, seq),
  CONSTRAINT ck_track_points_seq CHECK (seq >= 0),
  CONSTRAINT ck_track_points_lon CHECK (lon >= -180 AND lon <= 180),
  CONSTRAINT ck_track_points_lat CHECK (lat >= -90 AND lat <= 90),
  CONSTRAINT fk_track_points_patrol_id FOREIGN KEY(patrol_id) REFERENCES patrols (patrol_id) ON DELETE CASCADE
) ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='Where somebody was on a patrol. The phone numbers the points, so a repeated upload changes nothing.' COLLATE utf8mb4_unicode_ci;
CREATE INDEX ix_track_points_recorded_at ON track_points (patrol_id, recorded_at);
