-- AlterTable
ALTER TABLE "intake" ADD COLUMN "failing_since" DATETIME;

-- CreateTable
CREATE TABLE "alert" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "urgency" TEXT NOT NULL,
    "campaign_id" INTEGER,
    "lane_id" INTEGER,
    "at" DATETIME NOT NULL,
    "card" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "acknowledged_at" DATETIME,
    "acknowledged_by" TEXT,
    "settled_at" DATETIME,
    "deputy_at" DATETIME
);

-- CreateTable
CREATE TABLE "alert_try" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "alert_id" INTEGER NOT NULL,
    "road" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "deputy" BOOLEAN NOT NULL DEFAULT false,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "tries" INTEGER NOT NULL DEFAULT 0,
    "due_at" DATETIME NOT NULL,
    "sent_at" DATETIME,
    "answer" TEXT
);

-- CreateIndex
CREATE UNIQUE INDEX "alert_key_key" ON "alert"("key");

-- CreateIndex
CREATE INDEX "alert_state_idx" ON "alert"("state");

-- CreateIndex
CREATE INDEX "alert_try_state_due_at_idx" ON "alert_try"("state", "due_at");

-- CreateIndex
CREATE UNIQUE INDEX "alert_try_alert_id_road_target_deputy_key" ON "alert_try"("alert_id", "road", "target", "deputy");

-- CreateIndex
CREATE INDEX "event_event_at_idx" ON "event"("event", "at");
