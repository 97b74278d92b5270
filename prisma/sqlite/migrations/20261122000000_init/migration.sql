-- CreateTable
CREATE TABLE "setting" (
    "key" TEXT NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "audience" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "name" TEXT NOT NULL,
    "import_id" INTEGER,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- CreateTable
CREATE TABLE "import" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "sha256" TEXT NOT NULL,
    "file" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'reading',
    "columns" TEXT NOT NULL DEFAULT '[]',
    "accepted" INTEGER NOT NULL DEFAULT 0,
    "duplicates" INTEGER NOT NULL DEFAULT 0,
    "unreachable" INTEGER NOT NULL DEFAULT 0,
    "rejected" INTEGER NOT NULL DEFAULT 0,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- CreateTable
CREATE TABLE "client" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "import_id" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "address" TEXT,
    "key" TEXT,
    "domain" TEXT,
    "name" TEXT,
    "locale" TEXT,
    "timezone" TEXT,
    "account" TEXT,
    "attributes" TEXT NOT NULL DEFAULT '{}'
);

-- CreateTable
CREATE TABLE "refused_row" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "import_id" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "column_name" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "reason" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "campaign" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "name" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'draft',
    "paused_by" TEXT,
    "why" TEXT,
    "file" TEXT NOT NULL,
    "spec" TEXT NOT NULL,
    "template_name" TEXT NOT NULL,
    "template_class" TEXT NOT NULL DEFAULT 'service',
    "revision" INTEGER NOT NULL DEFAULT 1,
    "audience_hash" TEXT NOT NULL,
    "import_id" INTEGER,
    "confirmed" BOOLEAN NOT NULL DEFAULT false,
    "overrides" TEXT NOT NULL DEFAULT '{}',
    "tell_by" DATETIME,
    "valid_until" DATETIME,
    "plan_cursor" TEXT NOT NULL DEFAULT '',
    "planned" BOOLEAN NOT NULL DEFAULT false,
    "address_pulse" REAL NOT NULL DEFAULT 0,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "launched_at" DATETIME,
    "ended_at" DATETIME
);

-- CreateTable
CREATE TABLE "content_revision" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "campaign_id" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "given_values" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- CreateTable
CREATE TABLE "route" (
    "name" TEXT NOT NULL PRIMARY KEY,
    "state" TEXT NOT NULL DEFAULT 'ready',
    "hold" TEXT,
    "day" TEXT NOT NULL DEFAULT '',
    "today" INTEGER NOT NULL DEFAULT 0
);

-- CreateTable
CREATE TABLE "lane" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "campaign_id" INTEGER NOT NULL,
    "provider" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "feedback" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'ramping',
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "size" INTEGER NOT NULL DEFAULT 0,
    "window_size" INTEGER NOT NULL DEFAULT 1,
    "outstanding" INTEGER NOT NULL DEFAULT 0,
    "unconfirmed" INTEGER NOT NULL DEFAULT 0,
    "sent" INTEGER NOT NULL DEFAULT 0,
    "pulse" TEXT NOT NULL DEFAULT '{}',
    "hold" TEXT,
    "until" DATETIME,
    "next_due" DATETIME,
    "last_handover" DATETIME,
    "by_person" BOOLEAN NOT NULL DEFAULT false
);

-- CreateTable
CREATE TABLE "delivery" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "campaign_id" INTEGER NOT NULL,
    "lane_id" INTEGER NOT NULL,
    "address" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "domain" TEXT NOT NULL,
    "unit" TEXT,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "due_at" DATETIME NOT NULL,
    "spread" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "try" INTEGER NOT NULL DEFAULT 0,
    "losses" INTEGER NOT NULL DEFAULT 0,
    "waited" INTEGER NOT NULL DEFAULT 0,
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "evidence" INTEGER NOT NULL DEFAULT 0,
    "worker_id" TEXT,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "reason" TEXT,
    "fault" TEXT,
    "scope" TEXT,
    "reply" TEXT,
    "relay_id" TEXT,
    "changed_at" DATETIME
);

-- CreateTable
CREATE TABLE "outcome" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "campaign_id" INTEGER NOT NULL,
    "lane_id" INTEGER NOT NULL,
    "delivery_id" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "try" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    "event" TEXT NOT NULL,
    "phase" TEXT,
    "speaker" TEXT,
    "reply" TEXT,
    "reason" TEXT,
    "fault" TEXT,
    "scope" TEXT,
    "code" INTEGER,
    "enhanced" TEXT,
    "late" BOOLEAN NOT NULL DEFAULT false
);

-- CreateTable
CREATE TABLE "event" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "campaign_id" INTEGER NOT NULL,
    "lane_id" INTEGER,
    "at" DATETIME NOT NULL,
    "event" TEXT NOT NULL,
    "text" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "suppression" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "provisional" BOOLEAN NOT NULL DEFAULT true,
    "campaign_id" INTEGER,
    "delivery_id" INTEGER,
    "lane_id" INTEGER,
    "reply" TEXT,
    "since" DATETIME NOT NULL,
    "confirmed_at" DATETIME
);

-- CreateTable
CREATE TABLE "worker" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "started_at" DATETIME NOT NULL,
    "seen_at" DATETIME NOT NULL,
    "dead" BOOLEAN NOT NULL DEFAULT false
);

-- CreateIndex
CREATE UNIQUE INDEX "audience_name_key" ON "audience"("name");

-- CreateIndex
CREATE INDEX "import_sha256_idx" ON "import"("sha256");

-- CreateIndex
CREATE INDEX "client_import_id_key_idx" ON "client"("import_id", "key");

-- CreateIndex
CREATE INDEX "client_account_idx" ON "client"("account");

-- CreateIndex
CREATE UNIQUE INDEX "client_import_id_hash_key" ON "client"("import_id", "hash");

-- CreateIndex
CREATE UNIQUE INDEX "refused_row_import_id_line_key" ON "refused_row"("import_id", "line");

-- CreateIndex
CREATE UNIQUE INDEX "campaign_key_key" ON "campaign"("key");

-- CreateIndex
CREATE INDEX "campaign_name_idx" ON "campaign"("name");

-- CreateIndex
CREATE INDEX "campaign_state_idx" ON "campaign"("state");

-- CreateIndex
CREATE UNIQUE INDEX "content_revision_campaign_id_number_key" ON "content_revision"("campaign_id", "number");

-- CreateIndex
CREATE INDEX "lane_state_next_due_idx" ON "lane"("state", "next_due");

-- CreateIndex
CREATE UNIQUE INDEX "lane_campaign_id_provider_key" ON "lane"("campaign_id", "provider");

-- CreateIndex
CREATE INDEX "delivery_lane_id_state_due_at_spread_idx" ON "delivery"("lane_id", "state", "due_at", "spread");

-- CreateIndex
CREATE INDEX "delivery_key_idx" ON "delivery"("key");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_campaign_id_key_key" ON "delivery"("campaign_id", "key");

-- CreateIndex
CREATE INDEX "outcome_delivery_id_idx" ON "outcome"("delivery_id");

-- CreateIndex
CREATE INDEX "outcome_campaign_id_id_idx" ON "outcome"("campaign_id", "id");

-- CreateIndex
CREATE INDEX "event_campaign_id_id_idx" ON "event"("campaign_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "suppression_key_key" ON "suppression"("key");

-- CreateIndex
CREATE INDEX "suppression_lane_id_idx" ON "suppression"("lane_id");
