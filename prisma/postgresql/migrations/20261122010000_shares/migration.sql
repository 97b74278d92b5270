-- AlterTable
ALTER TABLE "route" ADD COLUMN     "tat" DOUBLE PRECISION NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "share" (
    "route" TEXT NOT NULL,
    "worker_id" TEXT NOT NULL,
    "owned" INTEGER NOT NULL DEFAULT 0,
    "wanted" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "share_pkey" PRIMARY KEY ("route","worker_id")
);

-- Rows that change all the time keep room for their next version on their page.
ALTER TABLE "share" SET (fillfactor = 50);
