-- AlterTable
ALTER TABLE "route" ADD COLUMN "tat" REAL NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "share" (
    "route" TEXT NOT NULL,
    "worker_id" TEXT NOT NULL,
    "owned" INTEGER NOT NULL DEFAULT 0,
    "wanted" INTEGER NOT NULL DEFAULT 0,

    PRIMARY KEY ("route", "worker_id")
);
