-- CreateTable
CREATE TABLE "sentinel" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "campaign_id" INTEGER NOT NULL,
    "route" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'sending',
    "sent_at" DATETIME NOT NULL,
    "back_at" DATETIME,
    "came_by" TEXT,
    "reply" TEXT
);

-- CreateIndex
CREATE UNIQUE INDEX "sentinel_campaign_id_route_key" ON "sentinel"("campaign_id", "route");
