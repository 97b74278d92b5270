-- CreateTable
CREATE TABLE "setting" (
    "key" TEXT COLLATE "C" NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "setting_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "audience" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "import_id" INTEGER,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audience_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "import" (
    "id" SERIAL NOT NULL,
    "sha256" TEXT NOT NULL,
    "file" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'reading',
    "columns" TEXT NOT NULL DEFAULT '[]',
    "accepted" INTEGER NOT NULL DEFAULT 0,
    "duplicates" INTEGER NOT NULL DEFAULT 0,
    "unreachable" INTEGER NOT NULL DEFAULT 0,
    "rejected" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "import_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "client" (
    "id" SERIAL NOT NULL,
    "import_id" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "address" TEXT,
    "key" TEXT COLLATE "C",
    "domain" TEXT,
    "name" TEXT,
    "locale" TEXT,
    "timezone" TEXT,
    "account" TEXT,
    "attributes" TEXT NOT NULL DEFAULT '{}',

    CONSTRAINT "client_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refused_row" (
    "id" SERIAL NOT NULL,
    "import_id" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "column_name" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "refused_row_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "campaign" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
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
    "tell_by" TIMESTAMP(3),
    "valid_until" TIMESTAMP(3),
    "plan_cursor" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "planned" BOOLEAN NOT NULL DEFAULT false,
    "address_pulse" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "launched_at" TIMESTAMP(3),
    "ended_at" TIMESTAMP(3),

    CONSTRAINT "campaign_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "content_revision" (
    "id" SERIAL NOT NULL,
    "campaign_id" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "given_values" TEXT NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "content_revision_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "route" (
    "name" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'ready',
    "hold" TEXT,
    "day" TEXT NOT NULL DEFAULT '',
    "today" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "route_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "lane" (
    "id" SERIAL NOT NULL,
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
    "until" TIMESTAMP(3),
    "next_due" TIMESTAMP(3),
    "last_handover" TIMESTAMP(3),
    "by_person" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "lane_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "delivery" (
    "id" SERIAL NOT NULL,
    "campaign_id" INTEGER NOT NULL,
    "lane_id" INTEGER NOT NULL,
    "address" TEXT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "domain" TEXT NOT NULL,
    "unit" TEXT,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "due_at" TIMESTAMP(3) NOT NULL,
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
    "changed_at" TIMESTAMP(3),

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "outcome" (
    "id" SERIAL NOT NULL,
    "campaign_id" INTEGER NOT NULL,
    "lane_id" INTEGER NOT NULL,
    "delivery_id" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "try" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,
    "event" TEXT NOT NULL,
    "phase" TEXT,
    "speaker" TEXT,
    "reply" TEXT,
    "reason" TEXT,
    "fault" TEXT,
    "scope" TEXT,
    "code" INTEGER,
    "enhanced" TEXT,
    "late" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "outcome_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event" (
    "id" SERIAL NOT NULL,
    "campaign_id" INTEGER NOT NULL,
    "lane_id" INTEGER,
    "at" TIMESTAMP(3) NOT NULL,
    "event" TEXT NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "suppression" (
    "id" SERIAL NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "address" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "provisional" BOOLEAN NOT NULL DEFAULT true,
    "campaign_id" INTEGER,
    "delivery_id" INTEGER,
    "lane_id" INTEGER,
    "reply" TEXT,
    "since" TIMESTAMP(3) NOT NULL,
    "confirmed_at" TIMESTAMP(3),

    CONSTRAINT "suppression_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker" (
    "id" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "started_at" TIMESTAMP(3) NOT NULL,
    "seen_at" TIMESTAMP(3) NOT NULL,
    "dead" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
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

-- Keys are compared as bytes, as SQLite does and the plan expects, whatever the database's own order is.

-- Rows that change all the time keep room for their next version on their page.
ALTER TABLE "delivery" SET (fillfactor = 70);
ALTER TABLE "lane" SET (fillfactor = 50);
ALTER TABLE "route" SET (fillfactor = 50);
ALTER TABLE "worker" SET (fillfactor = 50);
