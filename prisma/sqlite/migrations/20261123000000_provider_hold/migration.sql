-- CreateTable
CREATE TABLE "provider_hold" (
    "provider" TEXT NOT NULL PRIMARY KEY,
    "why" TEXT NOT NULL,
    "at" DATETIME NOT NULL
);
